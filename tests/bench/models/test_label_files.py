"""Predictions on disk: the right file for each image, on its grid, and a plain word for everything that is not so."""

import json

import numpy as np
import pytest

from bench import models, suite, trial
from bench import run as runs
from bench.conformance import check
from bench.errors import UnsupportedError
from bench.models.label_files.description import values_of
from bench.models.label_files.model import LabelFiles, labels_on
from bench.records import Prompts
from bench.suite import plan
from curate import volume
from curate.errors import ConfigError, ReadError, StoreError, UsageError
from curate.executor import Where
from curate.geometry import Geometry
from curate.volume import Volume

TARGETS = {"kidney": [1, 2], "kidney_tumor": 2, "liver": 4, "spleen": 3, "heart": 5, "lung": 6}


@pytest.fixture
def units(store, everything):
    """Return image, and reference by target, of each image of the store, by image_id."""
    read = {unit.image["image_id"]: trial.read_unit(unit, store) for unit in plan(everything, store)}
    return {key: (image, {one.slug: one.reference for one in targets}) for key, (image, targets) in read.items()}


@pytest.fixture
def described(tmp_path, store):
    """Return a function that writes predictions.toml and returns its path."""

    def write(files="predictions/{image}.nii.gz", **more):
        said = {"name": "net", "store": str(store), "files": files} | (more or {"targets": TARGETS})
        lines = [f"{key} = {_toml(value)}" for key, value in said.items() if value is not None]
        (tmp_path / "predictions.toml").write_text("\n".join(lines))
        return tmp_path / "predictions.toml"

    return write


def _toml(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {json.dumps(own)}" for key, own in value.items()) + " }"
    return json.dumps(value)


def label_map(references):
    """Return the references of an image as one label map, smaller ones on top; a tumour inside of a kidney is 2."""
    shape = next(iter(references.values())).shape_ijk
    labels = np.zeros(shape, dtype=np.uint8)
    for slug, mask in sorted(references.items(), key=lambda item: -item[1].count):
        own = TARGETS[slug]
        labels[mask.full()] = own[0] if isinstance(own, list) else own
    return labels


def mirrored(image):
    """Return a volume with its first two axes the other way round, each voxel where it was in the world."""
    affine, (i, j, _) = image.geometry.affine.copy(), image.geometry.shape_ijk
    affine[:3, 3] = image.geometry.to_world((i - 1, j - 1, 0))
    affine[:3, :2] *= -1
    return Volume(image.voxels[::-1, ::-1], Geometry(image.geometry.shape_ijk, affine))


def write_all(units, folder):
    """Write the references of every image as label maps."""
    for image_id, (image, references) in units.items():
        volume.write(Volume(label_map(references), image.geometry), folder / f"{image_id}.nii.gz")


def told(session, slug):
    """Return the mask of a target."""
    return session.predict(Prompts("x", target=slug))


def test_a_run_scores_what_lies_on_disk(units, described, tmp_path, rows_of, store):
    """References as predictions are perfect, except where one hides another; an image without a file fails."""
    write_all(units, tmp_path / "predictions")
    lost = min(units)
    (tmp_path / f"predictions/{lost}.nii.gz").unlink()
    path = described()
    choice = models.Choice("label-files", path)
    runs.run(suite.load("all@automatic"), choice, store, tmp_path / "run", Where(1))
    rows = rows_of(tmp_path / "run")
    assert {row["status"] for row in rows if row["image_id"] == lost} == {"failed"}
    assert all("there is no prediction" in row["detail"] for row in rows if row["image_id"] == lost)
    found = {row["mask_id"]: row["dice"] for row in rows if row["image_id"] != lost}
    for mask_id, dice in found.items():
        image_id, _, slug = mask_id.partition("#")
        labels, own = label_map(units[image_id][1]), np.atleast_1d(TARGETS[slug])
        ours, reference = np.isin(labels, own), units[image_id][1][slug].full()
        assert dice == pytest.approx(2 * (ours & reference).sum() / (ours.sum() + reference.sum())), mask_id
    assert max(found.values()) == 1


def test_orientation_does_not_matter(tmp_path):
    """A prediction that was written as LPS answers as one in RAS does."""
    grid = Geometry((9, 8, 7), np.diag([1.0, 2.0, 3.0, 1.0]))
    image = Volume(np.arange(504, dtype=np.int16).reshape(9, 8, 7), grid)
    labels = Volume((image.voxels % 7 == 0).astype(np.uint8), grid)
    for turned in (labels, mirrored(labels)):
        volume.write(turned, tmp_path / "turned.nii.gz")
        assert (labels_on(grid, tmp_path / "turned.nii.gz") == labels.voxels).all()


def test_one_file_per_target(units, described, tmp_path):
    """What is not 0 is inside; a word may stand for the slug; a missing file is that target's own affair."""
    image, references = units["hard/permuted"]
    for slug, word in (("kidney", "Kidney_both"), ("liver", "liver")):
        full = references[slug].full().astype(np.uint8) * 7
        volume.write(Volume(full, image.geometry), tmp_path / f"p/permuted/{word}.nii.gz")
    session = LabelFiles(described("p/{case}/{target}.nii.gz", targets={"kidney": "Kidney_both"})).open(image)
    assert (told(session, "kidney").full() == references["kidney"].full()).all()
    with pytest.raises(UnsupportedError, match="net does not know the target liver"):
        told(session, "liver")
    session = LabelFiles(described("p/{case}/{target}.nii.gz", description="any target")).open(image)
    assert (told(session, "liver").full() == references["liver"].full()).all()
    with pytest.raises(ReadError, match=r"there is no prediction kidney_tumor\.nii"):
        told(session, "kidney_tumor")
    with pytest.raises(UnsupportedError, match="told a target and nothing else, found points"):
        session.predict(Prompts("x", points_ijk=np.zeros((1, 3), dtype=np.int64), labels=np.ones(1, dtype=np.int8)))


def test_pictures_may_be_png(units, described, tmp_path):
    """A photograph's label map is a PNG of the same size."""
    image, references = units["pictures/photo"]
    lung = references["lung"].full().astype(np.uint8) * 6
    volume.write(Volume(lung, image.geometry), tmp_path / "p/photo.png")
    session = LabelFiles(described("p/{case}.png", targets={"lung": 6})).open(image)
    assert (told(session, "lung").full() == references["lung"].full()).all()


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        ({"background": 0, "kidney": [1, 2], "kidney_tumor": 2, "ignore": 9}, {"kidney": (1, 2), "kidney_tumor": (2,)}),
        ({"0": "background", "1": "liver", "2": "no such thing"}, {"liver": (1,)}),
        ({"background": 0, "Liver": "3"}, {"liver": (3,)}),
    ],
)
def test_nnunets_labels_are_understood(described, tmp_path, labels, found):
    """Version 1 and 2, regions too; names that the vocabulary lacks can be asked for by nobody."""
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": labels}))
    path = described(labels="dataset.json")
    model = LabelFiles(path)
    assert values_of(model._said, tmp_path) == found
    assert model.card.capabilities.targets == frozenset(found)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"files": "predictions/a.nii.gz", "targets": {"liver": 1}}, r"files must hold \{case\} or \{image\}"),
        ({"targets": {"liver": "Liver"}}, "targets must be values, such as liver = 1"),
        ({"files": "p/{case}/{target}.nii.gz", "targets": {"liver": 1}}, "targets must be words"),
        ({"targets": {"lever": 1}}, "targets: .*lever.*did you mean `liver`"),
        ({"targets": {"liver": 0}}, "greater than or equal to 1"),
        ({"description": "nothing"}, "give targets = .* or labels = 'dataset.json', one of the two"),
        ({"labels": "dataset.json"}, "dataset.json: is no dataset.json with `labels` .FileNotFoundError"),
        (
            {"files": "p/{cases}.nii.gz", "targets": {"liver": 1}},
            "files has an unknown {cases}; known: {dataset}",
        ),
        ({"files": "{target}/{case}.nii.gz"}, "{target} belongs into the name of a file"),
        ({"target": {"liver": 1}}, "unknown key `target`; did you mean `targets`"),
    ],
)
def test_what_cannot_be_meant_is_refused(described, more, message):
    """One line says which key, and what to write."""
    with pytest.raises((UsageError, ConfigError), match=message):
        LabelFiles(described(**more))


def test_a_store_that_is_not_there_is_refused(described):
    """The model cannot know its images."""
    with pytest.raises(StoreError, match="no-store"):
        LabelFiles(described(store="no-store", targets={"liver": 1}))
    with pytest.raises(UsageError, match="label-files needs --weights"):
        LabelFiles()


def test_labels_without_a_known_name_are_refused(described, tmp_path):
    """A dataset.json of nothing but unknown words is a mistake."""
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": {"background": 0, "zzz": 1}}))
    with pytest.raises(UsageError, match=r"no label is a target of the vocabulary \(found zzz\)"):
        LabelFiles(described(labels="dataset.json"))


def test_wrong_files_say_what_is_wrong(units, described, tmp_path):
    """Another grid, fractions, damage: each an error of that image, with what was found and expected."""
    image, _ = units["hard/permuted"]
    path = tmp_path / "predictions/hard/permuted.nii.gz"
    model = LabelFiles(described())
    volume.write(Volume(np.zeros((4, 4, 4), dtype=np.uint8), Geometry((4, 4, 4), np.eye(4))), path)
    with pytest.raises(ValueError, match=r"permuted.nii.gz lies on \(4, 4, 4\) @ 1 x 1 x 1 mm RAS, its image on"):
        model.open(image)
    volume.write(Volume(np.full(image.geometry.shape_ijk, 0.5, dtype=np.float32), image.geometry), path)
    with pytest.raises(ValueError, match="float32, expected one integer per voxel"):
        model.open(image)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(ReadError, match="cannot be read"):
        model.open(image)
    with pytest.raises(ValueError, match=r"the image is not in .*store.*, whose predictions these are"):
        model.open(Volume(image.voxels + 1, image.geometry))


def test_whole_floats_are_labels(units, described, tmp_path):
    """Some programs write label maps as floats."""
    image, references = units["hard/permuted"]
    labels = label_map(references).astype(np.float32)
    volume.write(Volume(labels, image.geometry), tmp_path / "predictions/hard/permuted.nii.gz")
    assert told(LabelFiles(described()).open(image), "kidney_tumor").count == references["kidney_tumor"].count


def test_a_scan_that_is_twice_in_the_store(units, described, tmp_path):
    """Equal predictions may be either's; of different ones nobody knows whose is meant."""
    image, _ = units["hard/permuted"]
    model = LabelFiles(described())
    row = next(row for row in model._places.rows if row["image_id"] == "hard/permuted")
    model._places._by_voxels[row["voxel_sha256"]].append({**row, "image_id": "again/permuted"})
    labels = np.zeros(image.geometry.shape_ijk, dtype=np.uint8)
    labels[:3] = 4
    for copy in ("hard", "again"):
        volume.write(Volume(labels, image.geometry), tmp_path / f"predictions/{copy}/permuted.nii.gz")
    assert told(model.open(image), "liver").box[3] == 3
    volume.write(Volume(labels * 0, image.geometry), tmp_path / "predictions/again/permuted.nii.gz")
    with pytest.raises(ValueError, match=r"several times \(hard/permuted, again/permuted\), and"):
        model.open(image)


def test_names_with_pattern_characters_are_names(described):
    """`[1]` in a name is no pattern of file names."""
    places = LabelFiles(described("p/[x]{case}/{target}.nii.gz", description="d"))._places
    folder = places.path({**places.rows[0], "case_id": "a[1]*"}, "t").parent
    folder.mkdir(parents=True)
    (folder / "liver.nii.gz").touch()
    assert places.existing({**places.rows[0], "case_id": "a[1]*"}) == [folder / "liver.nii.gz"]
    assert places.existing({**places.rows[0], "case_id": "a1x"}) == []


def test_other_files_are_another_run(units, described, tmp_path):
    """The digest follows every prediction; it is what a run is known by."""
    write_all(units, tmp_path / "predictions")
    path = described()
    before = LabelFiles(path).weights_sha256
    assert LabelFiles(path).weights_sha256 == before
    image, _ = units["hard/permuted"]
    nothing = np.zeros(image.geometry.shape_ijk, dtype=np.uint8)
    volume.write(Volume(nothing, image.geometry), tmp_path / "predictions/hard/permuted.nii.gz")
    assert LabelFiles(path).weights_sha256 != before


def test_check_model_compares_with_the_store(units, described, tmp_path):
    """In the place of phantoms: is there a file for each image, and is it on the grid?"""
    write_all(units, tmp_path / "predictions")
    path = described()
    assert [row["result"] for row in check("label-files", path)] == ["pass", "pass"]
    (tmp_path / "predictions/hard/permuted.nii.gz").unlink()
    small = Geometry((2, 2, 1), np.eye(4))
    volume.write(Volume(np.zeros((2, 2, 1), dtype=np.uint8), small), tmp_path / "predictions/pictures/photo.nii.gz")
    there, fits = check("label-files", path)
    assert (there["result"], there["detail"]) == ("warn", f"{len(units) - 1} of {len(units)}; none for hard/permuted")
    assert fits["result"] == "fail"
    assert fits["detail"].startswith("1 are not: photo.nii.gz lies on (2, 2, 1)")


def test_a_training_card_lies_beside_the_description(described, tmp_path):
    """A path is taken from the description's folder, a name is a shipped card."""
    assert LabelFiles(described(training_card="own.toml", targets={"liver": 1})).card.training_card == str(
        tmp_path / "own.toml"
    )
    assert LabelFiles(described(training_card="sam", targets={"liver": 1})).card.training_card == "sam"
