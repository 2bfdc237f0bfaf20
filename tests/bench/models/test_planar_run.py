"""Runs of a 2D model with protocols that show boxes on slices."""

from pathlib import Path

import pytest

from bench import suite
from bench.protocols.boxing import target_slices
from bench.trial import read_unit

NETWORKS = Path(__file__).with_name("planar_networks.py")

MODEL = f"""
import runpy

helpers = runpy.run_path({str(NETWORKS)!r})


class SliceWise(helpers["TinyModel"]):
    '''The network of the tests, across k as the protocols draw.'''

    options = helpers["Options"](axis="k", canonical=False)
"""


@pytest.fixture
def run_with(tmp_path, everything, bench_run, rows_of):
    """Return a function that runs the small network with a protocol over all masks, and returns the rows."""
    (tmp_path / "mine.py").write_text(MODEL, encoding="utf-8")

    def run(name, **parameters):
        choice = everything.protocol.model_copy(update={"name": name, "version": 1, "parameters": parameters})
        bench_run(f"{tmp_path / 'mine.py'}:SliceWise", name, of=everything.model_copy(update={"protocol": choice}))
        return rows_of(tmp_path / name)

    return run


def slices_of(store, everything):
    """Return how many slices across k hold each mask."""
    units = [read_unit(unit, store)[1] for unit in suite.plan(everything, store)]
    return {target.mask_id: len(target_slices(target.reference, 2)) for unit in units for target in unit}


def test_boxes_on_every_slice_are_answered(run_with, store, everything):
    """Every mask of the store is answered, and costs two actions on each of its slices."""
    rows = run_with("slice-boxes")
    assert {row["status"] for row in rows} == {"ok"}
    assert {row["mask_id"]: row["n_actions"] for row in rows} == {
        mask: 2 * count for mask, count in slices_of(store, everything).items()
    }


@pytest.mark.parametrize("protocol", ["key-slices", "propagation"])
def test_interpolated_and_propagated_boxes_are_answered(run_with, protocol):
    """Boxes between key slices, and the box of one slice, are taken too."""
    parameters = {"shows": "boxes"} if protocol == "key-slices" else {}
    assert {row["status"] for row in run_with(protocol, **parameters)} == {"ok"}


def test_boxes_across_another_axis_than_the_models_are_unsupported(run_with):
    """A model that sees slices across k says so of boxes across i, and is not asked to guess."""
    rows = [row for row in run_with("slice-boxes", axis="i") if row["status"] != "ok"]
    assert rows
    assert {row["status"] for row in rows} == {"unsupported"}
    assert all("one slice across k" in row["detail"] or "found two" in row["detail"] for row in rows)
