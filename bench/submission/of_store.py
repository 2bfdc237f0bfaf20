"""Checks against the store that was run: the same store, every planned mask, and masks that are what the rows say."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from bench import trial
from bench.submission.content import Submission
from bench.submission.of_rows import MASK_FACTS
from bench.submission.problem import Check, failed, passed, quoted
from bench.suite import Suite, Unit
from curate import manifest
from curate.files import sha256_of_file

_RUN: Final = "run it again on this store: bench run SUITE --model MODEL --store STORE --out RUN"


def store(submission: Submission, root: Path) -> Check:
    """Check that the run was made on this store, by the hash of its `store.json`."""
    found, here = submission.fact("store", "sha256"), sha256_of_file(root / manifest.STORE_PATH)
    if found != here:
        fix = "give the store that was run with --store, or run it again on this one"
        return failed("store", f"it was run on the store {quoted(str(found)[:12])}, this one is {here[:12]}", fix)
    return passed("store", f"store {here[:12]}")


def complete(submission: Submission, suite: Suite, units: Sequence[Unit]) -> Check:
    """Check that every mask of the plan has every seed and step, and that nothing else is there."""
    pairs = trial.expected(suite)
    planned = {mask["mask_id"] for unit in units for mask in unit.masks}
    columns = submission.rows[["mask_id", "seed", "step"]]
    found = set(columns.astype({"mask_id": object}).itertuples(index=False, name=None))
    wanted = {(mask, *pair) for mask in planned for pair in pairs}
    for what, rows in (("lacks", wanted - found), ("has what is not planned:", found - wanted)):
        if rows:
            mask, seed, step = min(rows)
            masks = len({row[0] for row in rows})
            where = f"{quoted(mask)} seed {seed} step {step}"
            return failed("complete", f"it {what} {where} ({len(rows)} rows of {masks} masks)", _RUN)
    absent = submission.facts.get("missing_datasets") or []
    beyond = f"; the suite also names {len(absent)} datasets that the store does not have" if absent else ""
    return passed("complete", f"{len(planned)} masks, {len(pairs)} rows of each{beyond}")


def masks(submission: Submission, units: Sequence[Unit]) -> Check:
    """Check that group, dataset, patient, image, target, ... and voxels of each mask are those of the store."""
    known = {mask["mask_id"]: _facts(mask) for unit in units for mask in unit.masks}
    described = submission.rows[["mask_id", *MASK_FACTS]].drop_duplicates().astype(object)
    for row in described.where(described.notna(), None).to_dict("records"):
        expected = known.get(row["mask_id"])
        for name, value in (expected or {}).items():
            if row[name] != value:
                found = f"{name} of {quoted(row['mask_id'])} is {quoted(row[name])}, in the store {quoted(value)}"
                return failed("masks", found, _RUN)
    return passed("masks", f"{len(known)} masks are what the store says, in {len(MASK_FACTS)} columns")


def _facts(mask: Mapping[str, Any]) -> dict[str, Any]:
    return {name: mask["voxels" if name == "reference_voxels" else name] for name in MASK_FACTS}
