"""The sentences of the study: its question, its answer, and where its numbers come from."""

from collections.abc import Sequence

from bench.finished import rows_sha256
from bench.gap import LevelGap
from bench.page.cells import number, plural, share_cell
from bench.page.words import versioned, word
from bench.transfer.findings import Findings
from bench.transfer.held_out import FALLS, TRANSFERS
from bench.transfer.reading import Study


def title(study: Study) -> str:
    """Name the suite."""
    return f"Transfer study: {study.suite}"


def question(study: Study) -> str:
    """Say what the page answers."""
    models = sorted({one.model for one in study.series})
    return (
        f"How much of its Dice does a model keep on targets, modalities and sources that it was not trained on? "
        f"{plural(len(study.series), 'run')} of {plural(len(models), 'model')} on {study.suite}."
    )


def answers(found: Sequence[Findings]) -> tuple[str, ...]:
    """Answer in one sentence per run, with interval and n."""
    return tuple(f"{one.label}: {_answer(one)}" for one in found)


def cards(study: Study) -> str:
    """Say whose training is disclosed."""
    hidden = [one.label for one in study.series if not one.run.facts["model"].get("training_card")]
    shown = [one.label for one in study.series if one.run.is_reference]
    parts = []
    if hidden:
        parts.append(f"Without a training card, so that every answer is unknown: {', '.join(hidden)}.")
    if shown:
        parts.append(f"Shown the reference, so that they check the suite and transfer nothing: {', '.join(shown)}.")
    return " ".join(parts)


def runs(study: Study) -> list[tuple[str, ...]]:
    """List the runs: model, licence, training card, prompts, seeds, steps, digest of the rows."""
    rows: list[tuple[str, ...]] = []
    for one in study.series:
        card = one.run.facts["model"]
        protocol = one.run.facts.get("protocol") or {}
        parameters = protocol.get("parameters")
        prompts = one.protocol + (f" ({word(parameters)})" if parameters else "")
        limit = one.run.facts.get("limit")
        seeds = f"{one.n_seeds}" + ("" if limit is None else f"; limit {limit}")
        steps = ", ".join(map(str, one.steps))
        named = (one.label, one.model, word(card.get("licence")), word(card.get("training_card") or "undisclosed"))
        rows.append((*named, prompts, seeds, steps, rows_sha256(one.run)))
    return rows


def data(study: Study) -> list[tuple[str, str]]:
    """List suite, store and datasets by version and digest."""
    suite, store = study.facts.get("suite") or {}, study.facts.get("store") or {}
    rows = [("suite", versioned({"name": study.suite, "version": suite.get("version")}))]
    rows += [("store profile", word(store.get("profile"))), ("store sha256", word(store.get("sha256")))]
    used = {dataset for dataset, _ in study.strata.patients}
    known = {str(facts.get("dataset")): facts for facts in study.facts.get("datasets") or ()}
    for name in sorted(used):
        facts = known.get(name, {})
        rows.append((f"dataset {name}", ", ".join(word(facts.get(key)) for key in ("title", "licence", "citation"))))
    return rows


def _answer(one: Findings) -> str:
    gap = one.last_gaps()[0]
    if not gap.n_seen and not gap.n_unseen:
        return "nobody says which of these targets it was trained on."
    if gap.raw.value is None:
        side = "unseen" if gap.n_unseen else "seen"
        return (
            f"all {plural(gap.n_unseen + gap.n_seen, 'mask')} with an answer are of {side} targets, so there is no gap."
        )
    verdicts = [item.verdict for item in one.held_out["seen_target"]]
    counted = f"Of {plural(len(verdicts), 'held-out target')}, {verdicts.count(TRANSFERS)} certainly transfer"
    return (
        f"Dice on seen minus Dice on unseen targets at step {gap.step} is {_value(gap)}. {counted} "
        f"and {verdicts.count(FALLS)} certainly do not."
    )


def _value(gap: LevelGap) -> str:
    raw, matched = gap.raw, gap.matched
    found = f"{number(raw.value or 0, signed=True)} (n = {gap.n_seen:,} and {gap.n_unseen:,})"
    if matched.value is None:
        return f"{found}; no unseen mask has a seen one of its modality and size"
    if matched.low is None or matched.high is None:
        ends = f"no interval: {matched.why_no_interval}"
    else:
        ends = f"{number(matched.low, signed=True)} to {number(matched.high, signed=True)}"
    share = share_cell(matched.matched_share or 0).text
    return (
        f"{found}; matched by modality and size, {number(matched.value, signed=True)} ({ends}; {share} of them matched)"
    )
