"""From the masks that were found to those that were kept: what each rule of a profile did, by dataset and target.

Everything follows from two tables: the masks that are there, and the rows of the rules. Both are walked from the last
rule back to the first. A rule that touched no mask has no row, and so no step.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from curate.vocabulary import Vocabulary

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """What one rule did to the masks of a dataset, or of one target in it."""

    step: int
    """Place of the rule in the profile."""
    rule: str
    before: int
    dropped: int
    changed: int
    """Masks that stayed as one, but not as they were."""
    noted: int
    """Masks that stayed as they were, with a row."""
    added: int
    """Masks that splitting added; below zero for a target that became its two sides."""
    after: int
    """before - dropped + added."""


@dataclass(frozen=True, slots=True)
class Funnel:
    """What became of the masks of a dataset, or of one target in it."""

    dataset: str
    target: str | None
    """None for all targets together."""
    found: int
    """Masks on the images that are in the store, or would be had the rules left a mask."""
    steps: tuple[Step, ...]
    kept: int


def funnels(masks: Mapping[tuple[str, str], int], rejections: Iterable[Row]) -> list[Funnel]:
    """Return a funnel per dataset, followed by one per target of it.

    Args:
        masks: (dataset, target) -> masks in the store.
        rejections: Rows of the rejections table; those of rules have a `step`.
    """
    kept: Counter[tuple[str, str | None]] = Counter()
    for (dataset, name), count in masks.items():
        kept.update({(dataset, None): count, (dataset, name): count})
    deeds: dict[tuple[str, str | None], dict[tuple[int, str], Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for row in rejections:
        if row["step"] is None or row["target"] is None:
            continue
        for target, deed in _deeds(row):
            for key in ((row["dataset"], None), (row["dataset"], target)):
                deeds[key][row["step"], row["rule"]].update(deed)
    keys = sorted({*kept, *deeds}, key=lambda key: (key[0], key[1] or ""))
    return [_funnel(*key, kept[key], deeds.get(key, {})) for key in keys]


def _deeds(row: Row) -> list[tuple[str, dict[str, int]]]:
    """Return what one row says of which targets."""
    target, before, after = row["target"], row["masks_before"], row["masks_after"]
    if row["effect"] == "left_out":
        return [(target, {"dropped": before - after})]
    if row["effect"] == "noted":
        return [(target, {"noted": before})]
    if row["code"] == "sides_split":
        sides = Vocabulary.load().sides(target) or ()
        return [(target, {"added": -before}), *((side, {"added": before}) for side in sides)]
    return [(target, {"changed": before} if after == before else {"added": after - before})]


def _funnel(dataset: str, target: str | None, kept: int, deeds: Mapping[tuple[int, str], Mapping[str, int]]) -> Funnel:
    steps: list[Step] = []
    left = kept
    for (step, rule), deed in sorted(deeds.items(), reverse=True):
        counts = {name: deed.get(name, 0) for name in ("dropped", "changed", "noted", "added")}
        before = left + counts["dropped"] - counts["added"]
        steps.append(Step(step, rule, before, **counts, after=left))
        left = before
    return Funnel(dataset, target, left, tuple(reversed(steps)), kept)


def by_rule(found: Iterable[Row]) -> list[dict[str, Any]]:
    """Return a table row per dataset and rule, for people; `found` are funnels as dictionaries."""
    columns = ("step", "rule", "before", "dropped", "changed", "noted", "added", "after")
    return [
        {"dataset": funnel["dataset"], **{name: step[name] for name in columns}}
        for funnel in found
        if funnel["target"] is None
        for step in funnel["steps"]
    ]


def by_target(found: Iterable[Row]) -> list[dict[str, Any]]:
    """Return a table row per dataset and target, for people, with a column per rule; `found` are dictionaries.

    A cell such as `-3 ~1 +2` counts masks: - dropped, ~ changed, ! noted, + added by splitting, > became two sides.
    """
    found = [funnel for funnel in found if funnel["target"] is not None]
    rules = sorted({(step["step"], step["rule"]) for funnel in found for step in funnel["steps"]})
    rows = []
    for funnel in found:
        cells = {step["step"]: _cell(step) for step in funnel["steps"]}
        row = {name: funnel[name] for name in ("dataset", "target", "found")}
        row |= {f"{step} {rule}": cells.get(step, "") for step, rule in rules}
        rows.append(row | {"kept": funnel["kept"]})
    return rows


def _cell(step: Row) -> str:
    added = step["added"]
    counts = {"-": step["dropped"], "~": step["changed"], "!": step["noted"], "+": max(added, 0), ">": max(-added, 0)}
    return " ".join(f"{sign}{count}" for sign, count in counts.items() if count)
