import json

import pytest

from curate.report import content, counts, sizes, targets
from curate.report.quantiles import NAMES


@pytest.fixture
def read(tree):
    """Return a function that builds the tree and reads the store."""
    return lambda **options: content.read(tree.build(**options).store)


def rows_of(table):
    """Return a table's rows by their first column."""
    return {row[table.columns[0].name]: row for row in table.rows}


def test_targets_are_counted_with_the_quartiles_of_their_volume(tree, read):
    """Livers of 40 and 20 voxels of 8 mm3 are 0.32 and 0.16 ml: quartiles 0.20, 0.24 and 0.28."""
    tree.case("a")
    tree.case("b", {1: 1})
    liver = rows_of(targets.by_target(read()))["liver"]
    assert [liver[name] for name in ("masks", "images", "patients", "datasets", "n_volume")] == [2, 2, 2, 1, 2]
    quartiles = [liver[f"volume_ml_{name}"] for name in ("q1", "median", "q3")]
    assert quartiles == pytest.approx([0.20, 0.24, 0.28])


def test_a_volume_without_spacing_is_null(tree, read):
    """A picture has no millilitres: the mask is counted, its volume is None with n = 0."""
    tree.image("images/a.png", shape=(6, 5, 1))
    tree.label("labels/a.png", {1: 2}, shape=(6, 5, 1))
    found = read(entries=tree.ENTRIES.replace(".nii.gz", ".png"))
    row = rows_of(targets.by_target(found))["liver"]
    assert (row["masks"], row["n_volume"], row["volume_ml_median"]) == (1, 0, None)


def test_looked_for_and_not_there_is_a_true_negative(tree, read):
    """The spleen was looked for in two images and is in one; both have a liver."""
    tree.case("a")
    tree.case("b", {1: 1})
    found = rows_of(targets.by_absence(read()))
    counted = ("looked_for", "with_mask", "true_negatives", "removed")
    assert [found["liver"][name] for name in counted] == [2, 2, 0, 0]
    assert [found["spleen"][name] for name in counted] == [2, 1, 1, 0]


def test_a_mask_that_a_rule_dropped_is_no_true_negative(tree, read):
    """Every pair that was looked for is exactly one of the three, also where cleaning removed all masks."""
    tree.case("a")
    tree.case("b", {1: 1})
    found = rows_of(targets.by_absence(read(profile="sa-med3d")))
    for row in found.values():
        assert row["looked_for"] == row["with_mask"] + row["true_negatives"] + row["removed"]
    assert (found["liver"]["removed"], found["liver"]["true_negatives"]) == (2, 0)
    assert (found["spleen"]["removed"], found["spleen"]["true_negatives"]) == (1, 1)


def test_every_table_adds_up_to_the_store(tree, read):
    """Images and masks by modality, region, licence, split and dataset are those of the whole store."""
    tree.case("a")
    tree.case("b", {1: 1})
    tree.build(name="first")
    found = read(name="second")
    every = (counts.by_dataset, counts.by_modality, counts.by_region, counts.by_licence, counts.by_split)
    for table in (count(found) for count in every):
        for name in ("images", "masks"):
            assert sum(row[name] for row in table.rows) == len(getattr(found, name)), (table.key, name)


def test_a_patient_is_one_only_within_its_dataset(tree, read):
    """Patient `a` of two datasets counts twice."""
    tree.case("a")
    tree.build(name="first")
    found = read(name="second")
    assert counts.patients(found.images) == 2
    assert [row["patients"] for row in counts.by_modality(found).rows] == [2]


def test_spacing_across_slices_is_the_largest(tree, read):
    """A volume of 6 x 5 x 4 voxels of 2 mm: 2 mm both ways, longest side 6 voxels and 12 mm, 120 voxels."""
    tree.case("a")
    found = {row["measure"]: row for row in sizes.by_modality(sizes.measured(read())).rows}
    assert {measure: row["median"] for measure, row in found.items()} == {
        "spacing in plane, mm": 2,
        "spacing across slices, mm": 2,
        "longest side, voxels": 6,
        "longest side, mm": 12,
        "voxels": 120,
    }


def test_in_plane_is_the_mean_of_the_two_others(tree, read):
    """Of spacings 0.5, 5 and 0.7 mm, slices are 5 mm apart and the plane has 0.6 mm; one slice has no distance."""
    from dataclasses import replace

    tree.case("a")
    found = read()
    odd = found.images.assign(spacing_mm=[[0.5, 5.0, 0.7]])
    measured = sizes.measured(replace(found, images=odd)).iloc[0]
    assert (measured[sizes.SLICE], measured[sizes.IN_PLANE]) == pytest.approx((5.0, 0.6))
    flat = odd.assign(shape_ijk=[[6, 5, 1]], spacing_mm=[[0.5, 0.7, 9.0]])
    measured = sizes.measured(replace(found, images=flat)).iloc[0]
    assert measured[sizes.IN_PLANE] == pytest.approx(0.6)
    assert measured[sizes.SLICE] != measured[sizes.SLICE], "one slice has no spacing across slices"


def test_an_empty_store_has_empty_tables(read):
    """A store without a single image is counted, not divided by."""
    found = read()
    assert targets.by_target(found).rows == targets.by_absence(found).rows == ()
    assert counts.by_modality(found).rows == sizes.by_modality(sizes.measured(found)).rows == ()
    assert [row["images"] for row in counts.by_dataset(found).rows] == [0]


def test_rows_are_json(tree, read):
    """No cell of a table is a NumPy number, NaN or a category: JSON takes all of them."""
    tree.case("a")
    found = read()
    for table in (targets.by_target(found), targets.by_kind(found), sizes.by_modality(sizes.measured(found))):
        assert json.loads(json.dumps(table.rows, allow_nan=False)) == list(table.rows)
    assert set(NAMES) < set(targets.by_kind(found).rows[0])
