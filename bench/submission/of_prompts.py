"""The check that the first prompts are those that the protocol draws: nobody clicks where it suits the model."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from bench import freeze, kept_prompts, trial
from bench.protocols import PromptProtocol
from bench.protocols.key import Key
from bench.records import Prompts
from bench.submission.content import Submission
from bench.submission.problem import Check, failed, passed, quoted, skipped
from bench.suite import Suite, Unit

_RUN: Final = "run it again: prompts come from the protocol, never from the model"
_FIRST = 1
Drawn = Mapping[tuple[str, int], Prompts]
"""First prompts by mask_id and seed; masks to which the protocol cannot be applied are not there."""
Counts = tuple[int, int]
"""Points and actions."""


def prompts(submission: Submission, suite: Suite, units: Sequence[Unit], store: Path) -> Check:
    """Check the first step of every answered row: how many points and actions, and where the points are if kept.

    Later prompts depend on predictions, which a submission does not hold.

    Raises:
        ReadError: When a label map of the store cannot be read.
    """
    protocol = trial.protocol_of(suite)
    rows = submission.rows[(submission.rows["step"] == _FIRST) & (submission.rows["status"] == "ok")]
    if rows.empty:
        return skipped("prompts", "no row is about the first step")
    said = {
        (mask, seed): (points, actions)
        for mask, seed, points, actions in rows[["mask_id", "seed", "n_points", "n_actions"]].itertuples(index=False)
    }
    kept = 0
    for unit in units:
        drawn = dict(_drawn(unit, store, protocol, {seed for _, seed in said}))
        ours, theirs = {mask["mask_id"] for mask in unit.masks}, _kept(submission.folder, unit)
        kept += len(theirs)
        counted = {key: counts for key, counts in said.items() if key[0] in ours}
        if found := _miscounted(drawn, counted, protocol) or _moved(drawn, theirs):
            return failed("prompts", found, _RUN)
    places = f"; {kept} were kept and are where the protocol draws them" if kept else "; none were kept to be compared"
    return passed("prompts", f"{len(said)} first prompts cost what the protocol draws{places}")


def _drawn(
    unit: Unit, store: Path, protocol: PromptProtocol, seeds: set[int]
) -> Iterator[tuple[tuple[str, int], Prompts]]:
    """Yield the first prompts of a unit's masks."""
    image = unit.image
    spacing = tuple(image["spacing_mm"] or (1.0, 1.0, 1.0))
    for mask, reference in freeze.references(unit, store):
        what = mask["mask_id"].removeprefix(f"{image['image_id']}#")
        for seed in sorted(seeds):
            named = (protocol.name, protocol.version, image["dataset"], image["image_id"], what, _FIRST, seed)
            try:
                shown = protocol.prompt(reference, None, Prompts("first"), Key(*named, spacing=spacing))
            except ValueError:
                continue
            yield (mask["mask_id"], seed), shown


def _miscounted(drawn: Drawn, said: Mapping[tuple[str, int], Counts], protocol: PromptProtocol) -> str | None:
    for (mask, seed), counts in sorted(said.items()):
        shown = drawn.get((mask, seed))
        expected = None if shown is None else (len(shown.labels), protocol.actions(shown))
        if counts != expected:
            draws = f"draws {expected[0]} for {expected[1]}" if expected else "cannot be applied to it"
            start = f"{quoted(mask)} seed {seed} was first shown {counts[0]} points for {counts[1]} actions"
            return f"{start}, the protocol {draws}"
    return None


def _kept(folder: Path | None, unit: Unit) -> list[dict[str, Any]]:
    """Return the first prompts that a run's folder holds of an image."""
    if folder is None:
        return []
    return [row for row in kept_prompts.read(folder, unit.image["image_id"]) if row["step"] == _FIRST]


def _moved(drawn: Drawn, kept: Sequence[Mapping[str, Any]]) -> str | None:
    for row in kept:
        shown = drawn.get((row["mask_id"], row["seed"]))
        if shown is None:
            continue
        expected = {
            "points_ijk": shown.points_ijk.tolist(),
            "labels": shown.labels.tolist(),
            "box": None if shown.box is None else list(map(int, shown.box)),
            "boxes": [list(map(int, box)) for box in shown.boxes],
        }
        for name, value in expected.items():
            if row[name] != value:
                return (
                    f"{name} of {quoted(row['mask_id'])} seed {row['seed']} is {quoted(row[name])},"
                    f" the protocol draws {quoted(value)}"
                )
    return None
