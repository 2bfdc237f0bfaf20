"""Kept predictions: exact for any masks, of any overlap, whatever is written over them."""

import hashlib
from dataclasses import replace

import nibabel
import numpy as np
import pytest

from bench import predictions
from bench.suite import plan
from curate.errors import ReadError, StoreError
from curate.labelmap import BoxMask

SHAPE = (9, 16, 16)


@pytest.fixture
def unit(store, everything):
    """Return the unit of the permuted, anisotropic image."""
    return plan(everything, store)[2]


def random_masks(seed, count):
    """Return masks that overlap, nest, repeat or are empty."""
    generator = np.random.default_rng(seed)
    found = {f"m{n:02}": BoxMask.of(generator.random(SHAPE) < generator.random() * 0.4) for n in range(count)}
    found["nested"] = BoxMask.of(found["m00"].full() & (generator.random(SHAPE) < 0.5))
    found["same"] = BoxMask.of(found["m00"].full())
    found["empty"] = BoxMask.of(np.zeros(SHAPE, dtype=bool))
    found["all"] = BoxMask.of(np.ones(SHAPE, dtype=bool))
    return found


def same(one, other):
    """Tell whether two dictionaries of masks are equal, voxel by voxel."""
    return one.keys() == other.keys() and all((one[key].full() == other[key].full()).all() for key in one)


@pytest.mark.parametrize(("seed", "count"), [(0, 1), (1, 4), (2, 12)])
def test_what_was_kept_comes_back(unit, tmp_path, seed, count):
    """Masks that overlap, nest, repeat, are empty or fill the image come back voxel for voxel."""
    masks = random_masks(seed, count)
    predictions.keep(tmp_path, unit, 3, masks)
    assert same(predictions.read(tmp_path, unit.image["image_id"], 3, SHAPE), masks)


def test_label_maps_lie_on_the_images_grid(unit, tmp_path, store):
    """The files are NIfTI on the image's own affine, so that any viewer lays them over it."""
    predictions.keep(tmp_path, unit, 1, random_masks(0, 2))
    image = nibabel.load(store / unit.image["path"])
    for path in tmp_path.rglob("*.nii.gz"):
        assert nibabel.load(path).shape == image.shape == SHAPE
        assert np.allclose(nibabel.load(path).affine, image.affine, atol=1e-5)


def test_a_later_write_keeps_the_other_masks(unit, tmp_path):
    """Writing some masks again replaces these and leaves the others, whatever layers they shared."""
    before, after = random_masks(1, 4), random_masks(7, 4)
    predictions.keep(tmp_path, unit, 1, before)
    changed = {key: after[key] for key in ("m00", "m02", "empty")}
    predictions.keep(tmp_path, unit, 1, changed)
    assert same(predictions.read(tmp_path, unit.image["image_id"], 1, SHAPE), {**before, **changed})


def test_no_stray_label_maps_stay(unit, tmp_path):
    """After any number of writes the folder holds the table and the files that it names."""
    for seed in range(4):
        predictions.keep(tmp_path, unit, 1, random_masks(seed, 3))
    fresh = tmp_path / "fresh"
    predictions.keep(fresh, unit, 1, random_masks(3, 3))
    assert _digests(tmp_path / "predictions") == _digests(fresh / "predictions")


def _digests(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


def test_a_kill_between_label_map_and_table_harms_nothing(unit, tmp_path, monkeypatch):
    """When a second write dies before its table, the first write is still read exactly."""
    before = random_masks(1, 4)
    predictions.keep(tmp_path, unit, 1, before)

    def die(*_arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("curate.manifest.write_table", die)
        with pytest.raises(KeyboardInterrupt):
            predictions.keep(tmp_path, unit, 1, random_masks(9, 4))
    assert same(predictions.read(tmp_path, unit.image["image_id"], 1, SHAPE), before)


def test_steps_and_images_do_not_meet(unit, tmp_path):
    """Steps 1 and 10 of one image, and images whose names begin alike, are kept apart."""
    other = replace(unit, image={**unit.image, "image_id": f"{unit.image['image_id']}.step1"})
    kept = [(unit, 1, random_masks(1, 2)), (unit, 10, random_masks(2, 2)), (other, 1, random_masks(3, 2))]
    for _ in range(2):
        for of, step, masks in kept:
            predictions.keep(tmp_path, of, step, random_masks(9, 2))
            predictions.keep(tmp_path, of, step, masks)
    for of, step, masks in kept:
        assert same(predictions.read(tmp_path, of.image["image_id"], step, SHAPE), masks)


def test_nothing_kept_is_nothing(tmp_path):
    """An image and step without a table has no predictions."""
    assert predictions.read(tmp_path, "hard/none", 1, SHAPE) == {}
    assert not predictions.exist(tmp_path)


def test_more_than_255_masks_fit(unit, tmp_path):
    """Three hundred disjoint masks come back from one 16-bit label map."""
    voxels = np.arange(np.prod(SHAPE)).reshape(SHAPE)
    masks = {f"m{n:03}": BoxMask.of(voxels % 300 == n) for n in range(300)}
    predictions.keep(tmp_path, unit, 1, masks)
    assert len(list(tmp_path.rglob("*.nii.gz"))) == 1
    assert same(predictions.read(tmp_path, unit.image["image_id"], 1, SHAPE), masks)


def test_damaged_tables_are_named(unit, tmp_path):
    """A table cut short is a read error with its name; writing over it is refused in words."""
    predictions.keep(tmp_path, unit, 1, random_masks(0, 1))
    table = next(tmp_path.rglob("*.parquet"))
    table.write_bytes(table.read_bytes()[:50])
    with pytest.raises(ReadError, match=r"permuted.step1.parquet: cannot be read"):
        predictions.read(tmp_path, unit.image["image_id"], 1, SHAPE)
    with pytest.raises(StoreError, match=r"predictions cannot be written .*the same command continues"):
        predictions.keep(tmp_path, unit, 1, random_masks(0, 1))


def test_a_full_disk_stops_the_run_in_words(bench_run, monkeypatch):
    """When predictions cannot be written the run stops with one line, and its rows are not blamed on the model."""

    def full(*_arguments):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("curate.volume.write", full)
        with pytest.raises(StoreError, match=r"predictions cannot be written .*No space left on device"):
            bench_run("oracle", "run", keep_predictions=True)
    assert bench_run("oracle", "run", keep_predictions=True).statuses == {"ok": 32}
