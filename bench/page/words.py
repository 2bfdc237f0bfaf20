"""The sentences of a leaderboard: its question, its answer, and where its numbers come from."""

from collections.abc import Iterator, Mapping
from typing import Any

from bench.board import Board, Entry
from bench.page.cells import number, plural, share_cell
from bench.statistics.figures import OVER_MASKS, Figure

UNKNOWN = "unknown"
_MOST_NAMED = 3


def title(board: Board) -> str:
    """Name the suite."""
    return f"Leaderboard: {versioned(board.facts.get('suite'))}"


def question(board: Board) -> str:
    """Say what the page answers."""
    return (
        f"How well do models segment {versioned(board.facts.get('suite'))} when prompted by "
        f"{versioned(board.facts.get('protocol'))}, and how much of that is left on targets they were not trained on?"
    )


def answer(board: Board) -> str:
    """Answer in one sentence, with interval, n and policy."""
    ranked = [entry for entry in board.entries if entry.ranks]
    if not ranked:
        return "No model covers the whole suite, so none is ranked."
    best = ranked[0]
    equals = [entry.name for entry in ranked[1:] if entry.ranks[OVER_MASKS].place == 1]
    lead = board.figure(best.name)
    if lead is None or lead.value is None:
        return "No mask has a Dice, so no model is ranked."
    patients, datasets_ = plural(lead.n_patients, "patient"), plural(lead.n_datasets, "dataset")
    names = " and ".join([best.name, *equals])
    claim = "leads with" if len(ranked) > 1 else "is the one ranked model, with"
    return (
        f"After step {board.last_step}, {names} {claim} a mean Dice over masks of {_value(lead)} on "
        f"{plural(lead.n_masks, 'mask')} of {patients} in {datasets_}, failures counted as 0{_first(best)}"
        f"{_unseen(board, best)}.{_tied(board, best)}"
    )


def caveats(board: Board) -> tuple[str, ...]:
    """Say what a reader must know before any number."""
    limits = {entry.name: entry.facts["limit"] for entry in board.entries if entry.facts.get("limit") is not None}
    if not limits:
        return ()
    named = ", ".join(f"{name} (limit {limits[name]})" for name in sorted(limits))
    return (f"Not the whole suite: these runs were started with a limit: {named}.",)


def datasets(board: Board) -> Iterator[tuple[str, str, str, str]]:
    """Yield dataset, title, licence and citation of every dataset, sorted."""
    known: dict[str, Mapping[str, Any]] = {}
    for entry in sorted(board.entries, key=lambda entry: entry.name):
        for facts in entry.facts.get("datasets") or ():
            known.setdefault(str(facts.get("dataset")), facts)
    names = {key.split for key in board.figures if key.split_by == "dataset"}
    for name in sorted(names):
        facts = known.get(name, {})
        yield name, word(facts.get("title")), word(facts.get("licence")), word(facts.get("citation"))


def models(board: Board) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield model, description, licence, weights and training card of every model."""
    for entry in board.entries:
        card = entry.facts["model"]
        yield entry.name, word(card.get("description")), word(card.get("licence")), _weights(entry), _training(entry)


def provenance(board: Board) -> Iterator[tuple[str, str]]:
    """Yield what was run, by digest and version; no time and no path, so that the same rows give the same bytes."""
    for what in ("suite", "protocol", "store"):
        facts = board.facts.get(what) or {}
        if what != "store":
            yield what, versioned(facts)
        elif facts.get("profile"):
            yield "store profile", word(facts["profile"])
        yield f"{what} sha256", word(facts.get("sha256"))
    parameters = (board.facts.get("protocol") or {}).get("parameters")
    yield "protocol parameters", word(parameters)
    for entry in board.entries:
        facts = entry.facts
        for key in ("weights_sha256", "device", "seeds", "versions", "commit", "limit"):
            if facts.get(key) is not None:
                yield f"{entry.name}: {key.replace('_', ' ')}", word(facts[key])
        yield f"{entry.name}: rows sha256", entry.rows_sha256


def versioned(facts: Mapping[str, Any] | None) -> str:
    """Print name@version."""
    facts = facts or {}
    version = facts.get("version")
    return word(facts.get("name")) + ("" if version is None else f"@{version}")


def word(value: object) -> str:
    """Print a fact; what nobody wrote down is unknown."""
    if value is None or value in ("", {}, []):
        return UNKNOWN
    if isinstance(value, Mapping):
        return ", ".join(f"{key} = {word(value[key])}" for key in sorted(value))
    if isinstance(value, list | tuple):
        return ", ".join(word(item) for item in value)
    return str(value)


def _weights(entry: Entry) -> str:
    weights, digest = entry.facts["model"].get("weights"), entry.facts.get("weights_sha256")
    if weights is None and digest is None:
        return "none"
    return word(weights) + (f" (sha256 {digest[:12]})" if digest else "")


def _training(entry: Entry) -> str:
    return word(entry.facts["model"].get("training_card") or "undisclosed")


def _value(figure: Figure) -> str:
    if figure.low is None or figure.high is None or figure.value is None:
        return f"{number(figure.value or 0)} (no interval: {figure.why_no_interval})"
    return f"{number(figure.value)} [{number(figure.low)}, {number(figure.high)}]"


def _first(entry: Entry) -> str:
    first = entry.ranks[OVER_MASKS].first
    return "" if first is None else f" (first in {share_cell(first).text} of the resamples)"


def _tied(board: Board, best: Entry) -> str:
    """Name the models that no test separates from the best."""
    group = next((group for group in board.tie_groups if best.name in group), ())
    others = [name for name in group if name != best.name]
    named = others if len(others) <= _MOST_NAMED else [*others[:_MOST_NAMED], f"{len(others) - _MOST_NAMED} more"]
    return f" No test separates it from {', '.join(named)}." if others else ""


def _unseen(board: Board, entry: Entry) -> str:
    seen, unseen = (board.figure(entry.name, split=("seen_target", word_)) for word_ in ("seen", "unseen"))
    if seen is None or unseen is None or seen.value is None or unseen.value is None:
        return f"; {_one_sided(seen, unseen)}"
    n = f"n = {seen.n_masks:,} and {unseen.n_masks:,}"
    return f"; it has {_value(seen)} on seen and {_value(unseen)} on unseen targets ({n})"


def _one_sided(seen: Figure | None, unseen: Figure | None) -> str:
    """Say why there is no gap between seen and unseen targets."""
    if seen is not None and seen.n_masks:
        return "no target is known to be unseen in its training"
    if unseen is not None and unseen.n_masks:
        return "it was trained on none of these targets"
    return "which of these targets it was trained on is not disclosed"
