from curate.stats import stats


def test_counts_are_those_of_the_tables(tree):
    """Images, masks and rejections are counted by dataset, modality, target and code, across datasets."""
    tree.case("a")
    tree.case("b", {1: 1})
    tree.image("images/alone.nii.gz")
    tree.build(name="first")
    found = stats(tree.build(name="second").store)
    assert found["profile"] == "native"
    assert found["counts"] == {"datasets": 2, "images": 4, "masks": 6, "patients": 4, "rejections": 4}
    assert found["datasets"] == [
        {"dataset": name, "licence": "CC0-1.0", "images": 2, "masks": 3, "patients": 2, "rejections": 2}
        for name in ("first", "second")
    ]
    assert found["modalities"] == {"CT": 4}
    assert found["targets"] == [
        {"target": "liver", "masks": 4, "datasets": 2, "median_voxels": 30.0},
        {"target": "spleen", "masks": 2, "datasets": 2, "median_voxels": 40.0},
    ]
    assert found["rejections"] == [
        {"stage": "label", "code": "empty_mask", "effect": "left_out", "rows": 2},
        {"stage": "scan", "code": "no_label", "effect": "left_out", "rows": 2},
    ]


def test_an_empty_store_has_empty_counts(tree):
    """A store without a single image is counted, not divided by."""
    found = stats(tree.build().store)
    assert (found["modalities"], found["targets"], found["rejections"]) == ({}, [], [])


def test_the_funnel_of_a_store_without_rules_keeps_what_it_finds(tree):
    """A row per dataset and per target of it, without a step, found and kept alike."""
    tree.case("a")
    found = stats(tree.build().store)
    assert found["funnel"] == [
        {"dataset": "tiny", "target": target, "found": count, "steps": (), "kept": count}
        for target, count in ((None, 2), ("liver", 1), ("spleen", 1))
    ]


def test_the_funnel_of_a_store_of_slices_is_that_of_its_rules(tree):
    """Two organs of 2 x 5 x 4 voxels lie on 11 slices each; all are kept."""
    tree.case("a")
    found = stats(tree.build(profile="sa-med2d").store)
    assert found["profile"] == "sa-med2d"
    whole = found["funnel"][0]
    assert (whole["target"], whole["found"], whole["kept"], found["counts"]["masks"]) == (None, 2, 22, 22)
    assert [(step["step"], step["rule"], step["added"]) for step in whole["steps"]] == [(1, "slice", 20)]
