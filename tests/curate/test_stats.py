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
