import gzip
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from curate import case as cases
from curate import manifest, pipeline, profile, volume
from curate.errors import ConfigError, StoreError, UsageError
from curate.executor import Where
from curate.labelmap import extract
from curate.pipeline import Source
from curate.schema import DATASETS, PER_DATASET, arrow_schema
from curate.volume import Volume, write

SHARED_LABEL = """
[[images]]
path = "{case}/t1.nii.gz"
channel = "T1"
modality = "MR"
sequence = "T1"
[[images]]
path = "{case}/ct.nii.gz"
channel = "CT"
modality = "CT"
[[labels]]
path = "{case}/seg.nii.gz"
values = { 1 = "liver", 2 = "spleen" }
"""


def accounted(built):
    """Check, for every image, that what was looked for is what became a mask or a rejection."""
    for image in built.rows("images"):
        told = built.rows("masks", image_id=image["image_id"]) + built.rows("rejections", image_id=image["image_id"])
        assert sorted(image["labelled_targets"]) == sorted({row["target"] for row in told if row["target"]})
    return built


def test_a_store_holds_the_source_voxels(tree):
    """Image and masks come back from the store as they were in the source, with their rows."""
    tree.case("a")
    built = accounted(tree.build())
    (image,) = built.rows("images")
    assert (image["image_id"], image["labelled_targets"]) == ("tiny/a", ["liver", "spleen"])
    source, stored = (volume.read(path) for path in (tree.raw / "images/a.nii.gz", built.store / image["path"]))
    np.testing.assert_array_equal(stored.voxels, source.voxels)
    np.testing.assert_allclose(stored.geometry.affine, source.geometry.affine)
    labels = volume.read(tree.raw / "labels/a.nii.gz").voxels
    for target, value in (("liver", 1), ("spleen", 2)):
        (row,) = built.rows("masks", target=target)
        mask = extract(volume.read(built.store / row["path"]).voxels, row["label_values"])
        np.testing.assert_array_equal(mask.full(), labels == value)
        assert (row["mask_id"], row["voxels"]) == (f"tiny/a#{target}", 40)
        assert row["volume_mm3"] == pytest.approx(40 * 2.0**3)


def test_the_tables_have_exactly_their_schemas(tree):
    """Every Parquet file has the columns, types, nullability and descriptions of its table, rows or none."""
    tree.image("images/a.nii.gz")
    built = tree.build()
    for name, table in (*PER_DATASET.items(), ("datasets", DATASETS)):
        path = manifest.DATASETS_PATH if name == "datasets" else manifest.table_path(name, "tiny")
        found, wanted = pq.read_schema(built.store / path), arrow_schema(table)
        assert found.equals(wanted)
        assert [field.metadata[b"description"] for field in found] == [
            field.metadata[b"description"] for field in wanted
        ]
    assert found.names[0] == "dataset"


def break_image(tree):
    """Cut the image of case `bad` short."""
    path = tree.raw / "images/bad.nii.gz"
    path.write_bytes(path.read_bytes()[:-30])


def break_label(tree):
    """Replace the label map of case `bad` by text."""
    (tree.raw / "labels/bad.nii.gz").write_bytes(b"no label map")


def other_grid(tree):
    """Give the label map of case `bad` another grid."""
    tree.label("labels/bad.nii.gz", {1: 2, 2: 4}, spacing=2.5)


def other_shape(tree):
    """Give the label map of case `bad` another shape."""
    tree.label("labels/bad.nii.gz", {1: 2, 2: 4}, shape=(7, 5, 4))


def unknown_value(tree):
    """Put a value that the recipe does not know into the label map of case `bad`."""
    tree.label("labels/bad.nii.gz", {1: 2, 2: 4, 9: 5})


def no_voxels(tree):
    """Empty both files of case `bad`, as a full disk does."""
    for kind in ("images", "labels"):
        (tree.raw / f"{kind}/bad.nii.gz").write_bytes(b"")


def nonfinite(tree):
    """Put a NaN into the image of case `bad`."""
    found = volume.read(tree.raw / "images/bad.nii.gz")
    voxels = found.voxels.astype(np.float32)
    voxels[0, 0, 0] = np.nan
    write(Volume(voxels, found.geometry), tree.raw / "images/bad.nii.gz")


def four_axes(tree):
    """Make the image of case `bad` a time series."""
    import nibabel

    nibabel.save(nibabel.Nifti1Image(np.zeros((6, 5, 4, 2), np.int16), np.eye(4)), tree.raw / "images/bad.nii.gz")


def claim_terabytes(tree):
    """Let the header of the image of case `bad` claim 32767 voxels along each axis."""
    content = bytearray(gzip.decompress((tree.raw / "images/bad.nii.gz").read_bytes()))
    content[40:48] = np.array([3, 32767, 32767, 32767], "<i2").tobytes()
    (tree.raw / "images/bad.nii.gz").write_bytes(gzip.compress(bytes(content)))


def dangling(tree):
    """Let the image of case `bad` be a link to nowhere, as in a dataset that was not fetched."""
    path = tree.raw / "images/bad.nii.gz"
    path.unlink()
    path.symlink_to(".git/annex/objects/nowhere")


@pytest.mark.parametrize(
    ("damage", "codes", "masks"),
    [
        (break_image, {"unreadable", "image_rejected"}, 0),
        (break_label, {"unreadable", "no_label"}, 0),
        (other_grid, {"grid_mismatch", "no_label"}, 0),
        (other_shape, {"grid_mismatch", "no_label"}, 0),
        (unknown_value, {"unknown_value"}, 2),
        (no_voxels, {"unreadable", "image_rejected"}, 0),
        (nonfinite, {"nonfinite_voxels", "image_rejected"}, 0),
        (four_axes, {"not_a_volume", "image_rejected"}, 0),
        (claim_terabytes, {"too_large", "image_rejected"}, 0),
        (dangling, {"unreadable", "image_rejected"}, 0),
    ],
)
def test_bad_data_is_a_row_and_the_rest_is_finished(tree, damage, codes, masks):
    """Each kind of damage to one case gives its codes, names the case and a file, and leaves the other cases whole."""
    for name in ("a", "bad", "z"):
        tree.case(name)
    damage(tree)
    built = accounted(tree.build())
    rejections = built.rows("rejections")
    assert {row["code"] for row in rejections} == codes
    assert {row["case_id"] for row in rejections} == {"bad"}
    assert all(row["source_path"] in {"images/bad.nii.gz", "labels/bad.nii.gz"} for row in rejections)
    assert all(str(tree.folder) not in row["detail"] for row in rejections)
    assert [len(built.rows("masks", case_id=name)) for name in ("a", "bad", "z")] == [2, masks, 2]
    assert built.reports[0].surprises


def test_a_mismatch_names_both_grids(tree):
    """The row of a label on another grid states both grids, and the file."""
    tree.case("bad")
    other_grid(tree)
    (row,) = tree.build().rows("rejections", code="grid_mismatch")
    assert "(6, 5, 4) @ 2.5 x 2.5 x 2.5 mm RAS differs from image grid (6, 5, 4) @ 2 x 2 x 2 mm RAS" in row["detail"]
    assert (row["image_id"], row["source_path"], row["stage"]) == ("tiny/bad", "labels/bad.nii.gz", "check")


def test_not_labelled_is_not_background(tree):
    """A target that the recipe looks for and the map lacks is labelled and empty; what nobody looked for is absent."""
    tree.case("a", {1: 2})
    built = accounted(tree.build())
    (image,) = built.rows("images")
    assert image["labelled_targets"] == ["liver", "spleen"]
    (row,) = built.rows("rejections")
    assert (row["code"], row["target"], row["image_id"]) == ("empty_mask", "spleen", "tiny/a")


def test_channels_on_one_grid_share_one_label_map(tree):
    """Two channels of one grid have masks of their own that name the same file; two grids have two files."""
    for name, spacing in (("same", 2.0), ("other", 3.0)):
        tree.image(f"{name}/t1.nii.gz", seed=1)
        tree.image(f"{name}/ct.nii.gz", seed=2, spacing=spacing)
        tree.label(f"{name}/seg.nii.gz", {1: 2, 2: 4})
    built = accounted(tree.build(SHARED_LABEL))
    assert {row["path"] for row in built.rows("masks", case_id="same")} == {"labels/tiny/same.nii.gz"}
    assert [row["image_id"] for row in built.rows("images", case_id="other")] == ["tiny/other/T1"]
    assert {row["code"] for row in built.rows("rejections")} == {"grid_mismatch", "no_label"}


def test_channels_on_two_grids_keep_their_own_label_maps(tree):
    """Each channel with labels on its own grid gets a label map that is called after it."""
    entries = SHARED_LABEL.replace("seg.nii.gz", "t1_seg.nii.gz").replace("values", 'images = ["T1"]\nvalues')
    entries += '[[labels]]\npath = "{case}/ct_seg.nii.gz"\nimages = ["CT"]\nvalues = { 1 = "liver" }\n'
    for channel, spacing in (("t1", 2.0), ("ct", 3.0)):
        tree.image(f"p/{channel}.nii.gz", spacing=spacing)
        tree.label(f"p/{channel}_seg.nii.gz", {1: 2}, spacing=spacing)
    built = accounted(tree.build(entries))
    assert {(row["image_id"], row["path"]) for row in built.rows("masks")} == {
        ("tiny/p/T1", "labels/tiny/p.T1.nii.gz"),
        ("tiny/p/CT", "labels/tiny/p.CT.nii.gz"),
    }
    assert {tuple(row["labelled_targets"]) for row in built.rows("images")} == {("liver",), ("liver", "spleen")}


def test_raters_are_told_apart_and_doubles_are_not(tree):
    """Two raters give two masks with their names in the ids; the same target twice without names is a row."""
    tree.image("images/a.nii.gz")
    for rater, end in (("anna", 2), ("bob", 3)):
        tree.label(f"{rater}/a.nii.gz", {1: end})
    image = '[[images]]\npath = "images/{case}.nii.gz"\nmodality = "CT"\n'
    label = '[[labels]]\npath = "anna/{case}.nii.gz"\nvalues = { 1 = "liver" }\n'
    second = label.replace("anna", "bob")
    built = accounted(tree.build(image + label + 'rater = "anna"\n' + second + 'rater = "bob"\n'))
    assert {row["mask_id"]: row["voxels"] for row in built.rows("masks")} == {
        "tiny/a#liver/anna": 40,
        "tiny/a#liver/bob": 60,
    }
    built = accounted(tree.build(image + label + second, out="other"))
    assert [row["mask_id"] for row in built.rows("masks")] == ["tiny/a#liver"]
    (row,) = built.rows("rejections")
    assert (row["code"], row["target"], row["source_path"]) == ("duplicate_target", "liver", "bob/a.nii.gz")


def test_overlapping_masks_go_to_layers(tree):
    """Masks of two files that overlap in part come back whole from two layers, each with its own file."""
    tree.image("a/image.nii.gz")
    for name, (start, end) in {"L": (0, 3), "S": (2, 5)}.items():
        voxels = np.zeros((6, 5, 4), np.uint8)
        voxels[start:end] = 1
        tree._write(f"a/{name}.nii.gz", voxels, 2.0)
    entries = '[[images]]\npath = "{case}/image.nii.gz"\nmodality = "CT"\n[[labels]]\npath = "{case}/{label}.nii.gz"\n'
    built = accounted(tree.build(entries + 'names = { L = "liver", S = "spleen" }\n'))
    assert {row["path"] for row in built.rows("masks")} == {"labels/tiny/a.nii.gz", "labels/tiny/a.2.nii.gz"}
    for row in built.rows("masks"):
        mask = extract(volume.read(built.store / row["path"]).voxels, row["label_values"])
        assert (mask.count, list(mask.box)) == (row["voxels"], row["bbox_ijk"]) == (60, row["bbox_ijk"])


def test_a_profile_in_mm_takes_no_pictures(tree):
    """Pictures under sa-med3d are rows of their own code, which is no surprise; a truncated one beside them is."""
    tree.image("images/a.png", shape=(9, 9, 1))
    tree.label("labels/a.png", {1: 2}, shape=(9, 9, 1))
    entries = '[[images]]\npath = "images/{case}.png"\nmodality = "XR"\n[[labels]]\npath = "labels/{case}.png"\n'
    entries += 'target = "lung"\n[expect]\ncases = 1\nimages = 1\nmasks = 1\n'
    built = tree.build(entries, profile="sa-med3d")
    assert built.codes() == [("a", "image_rejected"), ("a", "profile_needs_volume")]
    assert built.reports[0].surprises == []
    tree.image("images/b.png", shape=(9, 9, 1)).write_bytes(b"x")
    tree.label("labels/b.png", {1: 2}, shape=(9, 9, 1))
    built = tree.build(entries.replace("cases = 1", "cases = 2"), profile="sa-med3d")
    assert built.reports[0].surprises == ["unreadable: found 1, the recipe expects 0"]


def test_expectations_are_compared_line_by_line(tree):
    """Counts and codes that differ from [expect] are lines; what is no fault counts only where a number is said."""
    tree.case("a", {1: 2})
    expect = "[expect]\ncases = 1\nimages = 1\nmasks = 1\nrejections = { empty_mask = 1 }\n"
    assert tree.build(tree.ENTRIES + expect).reports[0].surprises == []
    wrong = "[expect]\ncases = 2\nmasks = 3\nrejections = { no_label = 1 }\n"
    assert tree.build(tree.ENTRIES + wrong).reports[0].surprises == [
        "cases: found 1, the recipe expects 2",
        "masks: found 1, the recipe expects 3",
        "no_label: found 0, the recipe expects 1",
    ]
    stated = "[expect]\nrejections = { empty_mask = 3 }\n"
    assert tree.build(tree.ENTRIES + stated).reports[0].surprises == ["empty_mask: found 1, the recipe expects 3"]


def test_a_folder_without_a_single_match_is_a_surprise(tree):
    """A build that finds no case says so even where the recipe expects no number."""
    (tree.raw / "other.txt").touch()
    built = tree.build()
    assert built.reports[0].surprises == ["cases: found none; is --raw the folder that the recipe's paths start from?"]
    assert built.rows("images") == []


def test_an_error_that_nobody_foresaw_is_a_row(tree, monkeypatch):
    """A bug in one case becomes rows with the error's name in one line; the next build tries that case again."""
    tree.case("a")
    tree.case("b")
    build = cases.build

    def fragile(case, *rest):
        if case.case_id == "a":
            raise RuntimeError("first line\nsecond \udcff line")
        return build(case, *rest)

    monkeypatch.setattr(cases, "build", fragile)
    built = tree.build()
    assert built.codes() == [("a", "unexpected_error")] * 2
    (detail,) = {row["detail"] for row in built.rows("rejections")}
    assert detail == "RuntimeError: first line second \\udcff line"
    assert [row["case_id"] for row in built.rows("images")] == ["b"]
    monkeypatch.undo()
    built = tree.build()
    assert (built.reports[0].reused, built.codes()) == (1, [])


@pytest.mark.parametrize("workers", [None, 2])
def test_same_inputs_give_the_same_bytes_on_any_worker_count(tree, digests, workers):
    """Threads, processes and one worker write the same files, byte for byte, pieces included."""
    for n in range(5):
        tree.case(f"c{n}", {1: 1 + n, 2: 5} if n else {1: 3}, seed=n)
    alone = tree.build(out="alone")
    built = tree.build(out="parallel", workers=workers)
    assert digests(built.store) == digests(alone.store)
    assert len(digests(alone.store)) == 5 * 3 + 6


def test_the_same_bytes_from_a_cluster_with_another_working_directory(tree, digests, cluster, monkeypatch):
    """Relative paths reach workers that were started elsewhere as whole ones, and the files are the same."""
    for n in range(4):
        tree.case(f"c{n}", seed=n)
    alone = tree.build(out="alone")
    recipe = tree.recipe()
    monkeypatch.chdir(tree.folder)
    where = Where(scheduler=cluster.address)
    pipeline.build([Source(recipe, Path("raw"))], Path("cluster"), profile.load("native"), where)
    assert digests(Path("cluster")) == digests(alone.store)
    assert list(cluster.folder.iterdir()) == []


def state(store):
    """Return the time of every file in a store but the tables, by relative path."""
    files = (path for path in store.rglob("*") if path.is_file() and "manifest" not in path.parts)
    return {str(path.relative_to(store)): path.stat().st_mtime_ns for path in files}


def test_only_what_changed_is_built_again(tree):
    """A changed source file rebuilds its case alone; a removed one takes its files, rows and piece away."""
    for name in ("a", "b", "gone"):
        tree.case(name)
    before = state(tree.build().store)
    tree.label("labels/b.nii.gz", {1: 1, 2: 4})
    for kind in ("images", "labels"):
        (tree.raw / f"{kind}/gone.nii.gz").unlink()
    built = accounted(tree.build())
    after = state(built.store)
    assert built.reports[0].reused == 1
    assert {path for path in after if after[path] != before[path]} == {
        "images/tiny/b.nii.gz",
        "labels/tiny/b.nii.gz",
        ".cases/tiny/b.json",
    }
    assert before.keys() - after.keys() == {
        "images/tiny/gone.nii.gz",
        "labels/tiny/gone.nii.gz",
        ".cases/tiny/gone.json",
    }
    assert {row["case_id"] for row in built.rows("images")} == {"a", "b"}
    assert [row["voxels"] for row in built.rows("masks", image_id="tiny/b", target="liver")] == [20]


def test_a_case_that_loses_a_channel_loses_its_folder(tree):
    """When the files of an image vanish from the source, its folder in the store goes as well."""
    entries = SHARED_LABEL.split("[[images]]")[1]
    labels = '[[labels]]\npath = "{case}/seg.nii.gz"\nvalues = { 1 = "liver", 2 = "spleen" }\n'
    for name in ("p", "q"):
        tree.image(f"{name}/t1.nii.gz")
        tree.label(f"{name}/seg.nii.gz", {1: 2, 2: 4})
    built = tree.build("[[images]]" + entries + labels)
    (tree.raw / "q/t1.nii.gz").unlink()
    tree.build("[[images]]" + entries + labels)
    assert [path.name for path in (built.store / "images/tiny").iterdir()] == ["p"]


@pytest.mark.parametrize(("resume", "reused", "target"), [("missing", 0, "spleen"), ("always", 1, "liver")])
def test_a_changed_recipe_rebuilds_unless_told_to_trust(tree, resume, reused, target):
    """A recipe that means something else rebuilds every case, except with --resume always."""
    tree.case("a", {1: 2})
    tree.build()
    built = tree.build(tree.ENTRIES.replace("1 =", "3 =").replace("2 =", "1 ="), resume=resume)
    assert built.reports[0].reused == reused
    assert [row["target"] for row in built.rows("masks")] == [target]


def test_resume_never_builds_all_again(tree, digests):
    """--resume never reuses nothing and ends with the same bytes."""
    tree.case("a")
    before = digests(tree.build().store)
    built = tree.build(resume="never")
    assert built.reports[0].reused == 0
    assert digests(built.store) == before


def test_a_case_that_was_begun_anew_is_not_taken_for_finished(tree, monkeypatch, digests):
    """A build with a changed recipe dies inside a case; the old recipe, run again, does not trust the old piece."""
    tree.case("a", {1: 2, 2: 4})
    before = digests(tree.build().store)
    build = cases.build

    def dies(*arguments):
        build(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(cases, "build", dies)
    with pytest.raises(KeyboardInterrupt):
        tree.build(tree.ENTRIES.replace("2 =", "3 ="))
    monkeypatch.undo()
    with pytest.raises(StoreError, match="no finished store here"):
        manifest.read_store(tree.folder / "store")
    built = tree.build()
    assert built.reports[0].reused == 0
    assert digests(built.store) == before


def test_other_datasets_of_a_store_stay(tree, digests):
    """Building a second dataset adds to the store; building the first one again leaves the second alone."""
    tree.case("a")
    first = digests(tree.build(name="first").store)
    built = tree.build(name="second")
    assert [row["dataset"] for row in manifest.read_datasets(built.store)] == ["first", "second"]
    both = digests(built.store)
    common = first.keys() - {"manifest/datasets.parquet", "manifest/store.json"}
    assert {name: both[name] for name in common} == {name: first[name] for name in common}
    tree.build(name="first", resume="never")
    assert digests(built.store) == both
    assert {row["dataset"] for row in built.rows("masks")} == {"first", "second"}


def test_damage_to_another_dataset_is_not_blessed(tree):
    """A table of a dataset that is not built now keeps the hash of when it was, so that verify still finds damage."""
    from curate.verify import verify

    tree.case("a")
    built = tree.build(name="first")
    path = built.store / manifest.table_path("masks", "first")
    pq.write_table(pq.read_table(path).slice(0, 1), path)
    tree.build(name="second")
    assert verify(built.store) == ["manifest/masks/first.parquet: changed since it was built"]


def test_wrong_configuration_stops_before_any_work(tree):
    """A missing folder, an unmapped split and a foreign profile raise, and no store appears or changes."""
    tree.case("a")
    with pytest.raises(UsageError, match="no such folder"):
        tree.build(raw=tree.folder / "nowhere")
    with pytest.raises(UsageError, match="no dask scheduler answers at `nonsense`"):
        tree.build(scheduler="nonsense")
    with pytest.raises(ConfigError, match="split `images` is unknown"):
        tree.build(tree.ENTRIES.replace("images/", "{split}/"))
    assert not (tree.folder / "store").exists()
    store = tree.build().store
    with pytest.raises(StoreError, match="built with profile `native`, now `sa-med3d`"):
        tree.build(profile="sa-med3d")
    assert manifest.read_store(store)["profile"]["name"] == "native"


def test_a_store_of_no_dataset_rows_can_be_verified_and_counted(tree):
    """A build of an empty tree is a finished store with empty tables."""
    from curate.stats import stats
    from curate.verify import verify

    store = tree.build().store
    assert verify(store) == []
    assert stats(store)["counts"] == {"datasets": 1, "images": 0, "masks": 0, "patients": 0, "rejections": 0}
