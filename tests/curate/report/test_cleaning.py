from curate.funnel import Funnel, Step
from curate.rejections import CODES
from curate.report import cleaning, content


def step(place, rule, before, dropped=0, added=0):
    """Make a step of a funnel."""
    return Step(place, rule, before, dropped, 0, 0, added, before - dropped + added)


def test_funnels_of_datasets_add_up():
    """10 and 5 masks; the first rule drops 2 of the ten, the second touches only the five and adds 3."""
    some = [
        Funnel("a", None, 10, (step(1, "min", 10, dropped=2),), 8),
        Funnel("a", "liver", 10, (step(1, "min", 10, dropped=2),), 8),
        Funnel("b", None, 5, (step(2, "split", 5, added=3),), 8),
    ]
    rows = cleaning.whole_funnel(some)
    shown = [(row["rule"], row["before"], row["dropped"], row["added"], row["after"]) for row in rows]
    assert shown == [("min", 15, 2, 0, 13), ("split", 13, 0, 3, 16)]


def test_the_funnel_of_a_store_ends_with_its_masks(tree):
    """Two organs of 40 voxels (0.32 cm3) are below 1 cm3: found 2, dropped 2, kept none, each with its measure."""
    tree.case("a")
    found = content.read(tree.build(profile="sa-med3d").store)
    (row,) = cleaning.by_rule(cleaning.found(found)).rows
    assert [row[name] for name in ("step", "before", "dropped", "after")] == [1, 2, 2, 0]
    (measured,) = cleaning.thresholds(found).rows
    assert [measured[name] for name in ("code", "threshold", "n", "lowest", "highest")] == [
        "below_min_volume",
        1.0,
        2,
        0.32,
        0.32,
    ]


def test_rejections_stand_beside_what_is_expected(tree):
    """Code, rows, expectation and the first row as an example; what nobody expects of a code is null."""
    tree.case("a", {1: 2})
    tree.image("images/alone.nii.gz")
    found = content.read(tree.build().store)
    table = cleaning.by_code_and_dataset(found, {"tiny": {"no_label": 3}})
    rows = {row["code"]: row for row in table.rows}
    assert (rows["no_label"]["rows"], rows["no_label"]["expected"]) == (1, 3)
    assert rows["no_label"]["example_path"] == "images/alone.nii.gz"
    assert (rows["empty_mask"]["rows"], rows["empty_mask"]["expected"]) == (1, None)


def test_every_code_of_the_table_has_its_meaning(tree):
    """The meaning is that of the closed list, and rows stand in the order of a build."""
    tree.case("a", {1: 2})
    tree.image("images/alone.nii.gz")
    rows = cleaning.by_code(content.read(tree.build().store)).rows
    assert [row["stage"] for row in rows] == ["scan", "label"]
    assert all(row["meaning"] == CODES[row["code"]] for row in rows)
