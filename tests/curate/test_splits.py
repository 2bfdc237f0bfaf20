import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate import splits
from curate.errors import ConfigError
from curate.recipe import Splits


def with_splits(tree, **values):
    """Return a recipe with these splits."""
    return tree.recipe().model_copy(update={"splits": Splits(**values)})


def images(*pairs):
    """Return rows of the images table, one per (case, patient)."""
    return [{"image_id": f"tiny/{case}", "case_id": case, "patient_id": patient} for case, patient in pairs]


def test_shares_are_kept_to_a_sampling_error(tree):
    """Of 20,000 hashed patients, each split gets its share within four standard errors."""
    recipe = with_splits(tree, train=0.7, val=0.1, test=0.2)
    found = [splits.hashed(recipe, f"patient{n}") for n in range(20_000)]
    for name, share in (("train", 0.7), ("val", 0.1), ("test", 0.2)):
        assert found.count(name) / 20_000 == pytest.approx(share, abs=4 * (share * (1 - share) / 20_000) ** 0.5)


@pytest.mark.parametrize("name", ["train", "val", "test"])
def test_a_share_of_one_takes_everyone(tree, name):
    """A dataset whose test share is 1 has test images only, and so for the others."""
    recipe = with_splits(tree, **({"train": 0, "val": 0, "test": 0} | {name: 1}))
    assert {splits.hashed(recipe, str(n)) for n in range(500)} == {name}


def test_the_hash_is_that_of_dataset_and_patient(tree):
    """The place of a patient is the first 64 bits of SHA-256 of `dataset/patient`, so anyone can compute it again."""
    recipe = with_splits(tree, train=0.2, val=0, test=0.8)
    # `printf tiny/a | sha256sum` begins 32bae4d3, which is 0.198 of the range; that of tiny/b 3e0c0346, 0.242.
    assert [splits.hashed(recipe, patient) for patient in ("a", "b")] == ["train", "test"]


@given(st.lists(st.tuples(st.text("ab", min_size=1, max_size=2), st.sampled_from([None, "train", "val", "test"]))))
def test_no_patient_stands_in_two_splits(pairs):
    """Law: whatever the source states, all images of a patient share one split, the most held-out that it names."""
    from curate.recipe import load

    recipe = load("phantom-png")
    rows = images(*((f"c{n}", patient) for n, (patient, _) in enumerate(pairs)))
    found = splits.assign(recipe, rows, {f"c{n}": word for n, (_, word) in enumerate(pairs)})
    assert [row["image_id"] for row in found] == [row["image_id"] for row in rows]
    for patient in {patient for patient, _ in pairs}:
        stated = {word for one, word in pairs if one == patient and word}
        (row,) = {(row["split"], row["origin"]) for row in found if row["patient_id"] == patient}
        held_out_first = [name for name in ("test", "val", "train") if name in stated]
        assert row == ((held_out_first[0], "official") if stated else (splits.hashed(recipe, patient), "hashed"))


def test_what_was_moved_beside_a_duplicate_stays(tree):
    """A patient whom `curate split` moved keeps that split, whatever source and hash say; others do not care."""
    rows = images(("c1", "p1"), ("c2", "p1"), ("c3", "p2"))
    found = splits.assign(tree.recipe(), rows, {"c1": "train", "c3": "val"}, {"p1": "test", "gone": "test"})
    assert [(row["split"], row["origin"]) for row in found] == [("test", "grouped")] * 2 + [("val", "official")]


def test_more_cases_move_no_old_ones(tree):
    """Adding patients to a dataset leaves the split of every other patient as it was."""
    recipe = tree.recipe()
    few, many = (splits.assign(recipe, images(*((f"c{n}", f"p{n}") for n in range(count))), {}) for count in (9, 90))
    assert many[:9] == few


def test_a_word_that_is_not_mapped_is_refused(tree):
    """The source's `validation` needs an entry in [splits.names]; the message is that entry."""
    recipe = with_splits(tree, names={"validation": "val"})
    splits.check_words(recipe, ["validation", "train", None])
    with pytest.raises(ConfigError, match=r'split `my dev` is unknown; add "my dev" = "train" \(or val, test\) to'):
        splits.check_words(recipe, ["my dev"])
