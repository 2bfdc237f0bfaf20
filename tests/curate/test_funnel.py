"""The funnel: found, less what was dropped, plus what splitting added, is kept, for every dataset and target."""

from collections import Counter
from dataclasses import asdict

import pytest

from curate import phantoms, pipeline, profile, recipe
from curate.executor import Where
from curate.funnel import by_rule, by_target, funnels
from curate.pipeline import Source
from curate.stats import stats

PHANTOMS = ("phantom-nnunet", "phantom-nrrd", "phantom-png")


def decided(target, code, step, rule, before, after, effect="left_out"):
    """Return a row of the rejections table, as far as a funnel reads it."""
    counts = {"masks_before": before, "masks_after": after}
    return {"dataset": "d", "target": target, "code": code, "effect": effect, "step": step, "rule": rule} | counts


def test_masks_are_counted_back_from_the_last_rule():
    """Of 6 livers found one goes by its size, two are cut down, and one of 20 slices of what is left is too small."""
    masks = {("d", "liver"): 23}
    rows = [
        decided("liver", "below_min_voxels", 1, "min_voxels", 1, 0),
        decided("liver", "components_dropped", 2, "largest_components", 1, 1, "changed"),
        decided("liver", "components_dropped", 2, "largest_components", 1, 1, "changed"),
        decided("liver", "above_max_side", 3, "max_side_voxels", 1, 1, "noted"),
        *([decided("liver", "sliced", 4, "slice", 1, 4, "changed")] * 5),
        decided("liver", "components_split", 5, "split_components", 3, 7, "changed"),
        decided("liver", "below_min_area", 6, "min_area_share", 1, 0),
    ]
    whole, liver = (asdict(one) for one in funnels(masks, rows))
    steps = [
        (1, "min_voxels", 6, 1, 0, 0, 0, 5),
        (2, "largest_components", 5, 0, 2, 0, 0, 5),
        (3, "max_side_voxels", 5, 0, 0, 1, 0, 5),
        (4, "slice", 5, 0, 0, 0, 15, 20),
        (5, "split_components", 20, 0, 0, 0, 4, 24),
        (6, "min_area_share", 24, 1, 0, 0, 0, 23),
    ]
    assert [tuple(step.values()) for step in liver["steps"]] == steps
    assert (liver["found"], liver["kept"], liver["target"], whole["target"]) == (6, 23, "liver", None)
    assert whole["steps"] == liver["steps"]
    assert [tuple(row.values()) for row in by_rule([whole, liver])] == [("d", *step) for step in steps]
    (row,) = by_target([whole, liver])
    cells = {"1 min_voxels": "-1", "2 largest_components": "~2", "3 max_side_voxels": "!1"}
    cells |= {"4 slice": "+15", "5 split_components": "+4", "6 min_area_share": "-1"}
    assert row == {"dataset": "d", "target": "liver", "found": 6} | cells | {"kept": 23}


def test_a_kidney_that_becomes_its_sides_leaves_its_target():
    """Two kidneys are split, and one left part gives way to a left kidney of the recipe's own."""
    masks = {("d", "kidney_left"): 2, ("d", "kidney_right"): 2}
    rows = [decided("kidney", "sides_split", 5, "split_sides", 1, 2, "changed")] * 2
    rows.append(decided("kidney_left", "duplicate_target", 5, "split_sides", 1, 0))
    found = {one.target: one for one in funnels(masks, rows)}
    assert {target: (one.found, one.kept) for target, one in found.items()} == {
        None: (3, 4),
        "kidney": (2, 0),
        "kidney_left": (1, 2),
        "kidney_right": (0, 2),
    }
    cells = {row["target"]: row["5 split_sides"] for row in by_target(asdict(one) for one in found.values())}
    assert cells == {"kidney": ">2", "kidney_left": "-1 +2", "kidney_right": "+2"}


def test_rows_of_no_mask_and_of_no_rule_do_not_count():
    """A slice without a mask, and what was left out before any rule, take nothing from the funnel."""
    rows = [
        decided(None, "without_mask", 1, "slice", None, None),
        decided("liver", "empty_mask", None, None, None, None),
    ]
    assert [asdict(one) for one in funnels({("d", "liver"): 1}, rows)] == [
        {"dataset": "d", "target": target, "found": 1, "steps": (), "kept": 1} for target in (None, "liver")
    ]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Return the funnels of the phantoms under every profile, by profile, dataset and target."""
    folder = tmp_path_factory.mktemp("funnel")
    phantoms.write_nnunet(folder / "raw/phantom-nnunet", cases=3)
    phantoms.write_nrrd(folder / "raw/phantom-nrrd", cases=3)
    phantoms.write_png(folder / "raw/phantom-png", cases=4)
    sources = [Source(recipe.load(name), folder / "raw" / name) for name in PHANTOMS]
    funnel = {}
    for name in ("native", "sa-med3d", "sa-med3d-issue20", "sa-med3d-repo", "sa-med2d", "sa-med2d-16m-clean"):
        pipeline.build(sources, folder / name, profile.load(name), Where(1))
        rows = stats(folder / name)["funnel"]
        funnel[name] = {(row["dataset"], row["target"]): row for row in rows}
    return funnel


@pytest.mark.parametrize("name", ["sa-med3d", "sa-med3d-issue20", "sa-med3d-repo", "sa-med2d", "sa-med2d-16m-clean"])
def test_what_was_found_is_what_a_native_build_keeps(found, name):
    """Counting back from a cleaned store's tables gives the masks of the same sources without any rule."""
    native = {key: row["kept"] for key, row in found["native"].items()}
    for key, row in found[name].items():
        assert row["found"] == native.get(key, 0), key
    lost = {key for key in native if key not in found[name]}
    assert {dataset for dataset, _ in lost} <= ({"phantom-png"} if name.startswith("sa-med3d") else set())


@pytest.mark.parametrize("name", ["sa-med3d", "sa-med2d"])
def test_the_sum_balances_at_every_rule(found, name):
    """Before, less dropped, plus added, is after; after one rule is before the next; targets add up to the dataset."""
    totals: dict[tuple[str, int], Counter[str]] = {}
    for (dataset, target), row in found[name].items():
        left = row["found"]
        for step in row["steps"]:
            assert step["before"] == left
            left = step["before"] - step["dropped"] + step["added"]
            assert (step["after"], left >= 0) == (left, True)
            counts = {key: step[key] for key in ("dropped", "changed", "noted", "added")}
            totals.setdefault((dataset, step["step"]), Counter()).update(
                counts if target is None else {key: -n for key, n in counts.items()}
            )
        assert left == row["kept"]
    assert totals
    assert all(not any(counts.values()) for counts in totals.values())
