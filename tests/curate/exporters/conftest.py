"""Small stores for the exporters: phantoms, overlapping organs, a glioma in four channels, and pictures."""

import csv
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from curate import phantoms, pipeline, profile, recipe
from curate.executor import Where
from curate.geometry import Geometry
from curate.pipeline import Source
from curate.volume import Volume, write

RECIPE = """schema = 1

[dataset]
id = "{name}"
title = "Title of {name}"
licence = "CC-BY-4.0"
licence_evidence = "page of {name}"
citation = "Doe 2026, {name}"
homepage = "https://example.org/{name}"
source = "release 1"
annotation = "phantom"
region = "abdomen"

{body}

[splits]
train = {train}
val = {val}
test = {test}
"""

PHANTOMS = {
    "phantom-nnunet": """[[images]]
path = "imagesTr/{case}_0000.nii.gz"
modality = "CT"
[[labels]]
path = "labelsTr/{case}.nii.gz"
values = { 2 = "kidney_tumor", 3 = "liver" }
composites = { kidney = [1, 2] }""",
    "phantom-nrrd": """[[images]]
path = "{case}/image.nrrd"
modality = "CT"
[[labels]]
path = "{case}/structures/{label}.nrrd"
names = { liver = "liver", spleen = "spleen", kidney_left = "kidney_left", kidney_right = "kidney_right" }""",
    "phantom-png": """[[images]]
path = "images/{case}.png"
modality = "XR"
[[labels]]
path = "masks/{case}_mask.png"
target = "lung" """,
}

Build = Callable[..., Path]


@pytest.fixture(scope="session")
def build_store() -> Build:
    """Return a function that builds a store from source trees and the bodies of their recipes."""

    def build(
        folder: Path, bodies: Mapping[str, str], raw: Path | None = None, splits: tuple[float, float, float] = (1, 0, 0)
    ) -> Path:
        sources = []
        for name, body in bodies.items():
            path = folder / "recipes" / f"{name}.toml"
            path.parent.mkdir(exist_ok=True)
            train, val, test = (float(share) for share in splits)
            path.write_text(RECIPE.format(name=name, body=body, train=train, val=val, test=test))
            sources.append(Source(recipe.load(str(path)), (raw or folder / "raw") / name))
        pipeline.build(sources, folder / "store", profile.load("native"), Where(None, None))
        return folder / "store"

    return build


@pytest.fixture(scope="session")
def phantom_store(tmp_path_factory, build_store: Build) -> Path:
    """Return a store of the three phantom datasets, with patients in all three splits."""
    folder = tmp_path_factory.mktemp("phantoms")
    phantoms.write_nnunet(folder / "raw/phantom-nnunet", cases=5)
    phantoms.write_nrrd(folder / "raw/phantom-nrrd", cases=3)
    phantoms.write_png(folder / "raw/phantom-png", cases=4)
    return build_store(folder, PHANTOMS, splits=(0.4, 0.3, 0.3))


def grid(shape: tuple[int, int, int] = (40, 36, 30), spacing: float = 1.5) -> Geometry:
    """Return a RAS grid."""
    return Geometry(shape, np.diag([spacing, spacing, spacing, 1.0]))


def block(shape: tuple[int, int, int], *sides: tuple[int, int]) -> np.ndarray:
    """Return a box as a mask: half-open bounds along i, j, k."""
    mask = np.zeros(shape, dtype=np.uint8)
    mask[tuple(slice(*side) for side in sides)] = 1
    return mask


def noise(shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Return int16 noise between -1000 and 1000."""
    return np.random.default_rng(seed).integers(-1000, 1001, shape).astype(np.int16)


@pytest.fixture(scope="session")
def organs_store(tmp_path_factory, build_store: Build) -> Path:
    """Return a store of MR whose liver and stomach overlap, with a tumour in the liver and a spleen apart.

    Case `a` has all four, in two layers; `b` lacks the stomach's file, so that nobody looked for it there; in `c` the
    tumour's file is empty.
    """
    folder = tmp_path_factory.mktemp("organs")
    where, raw = grid(), folder / "raw/organs"
    masks = {
        "liver": block(where.shape_ijk, (2, 20), (2, 20), (2, 20)),
        "stomach": block(where.shape_ijk, (15, 30), (5, 18), (5, 18)),
        "tumour": block(where.shape_ijk, (16, 20), (6, 12), (6, 12)),
        "spleen": block(where.shape_ijk, (32, 38), (20, 30), (20, 28)),
    }
    for seed, case in enumerate("abc"):
        write(Volume(noise(where.shape_ijk, seed), where), raw / case / "image.nii.gz")
        for name, mask in masks.items():
            if (case, name) == ("b", "stomach"):
                continue
            empty = (case, name) == ("c", "tumour")
            write(Volume(mask * (not empty), where), raw / case / f"{name}.nii.gz")
    body = """[[images]]
path = "{case}/image.nii.gz"
modality = "MR"
sequence = "T2"
[[labels]]
path = "{case}/{label:liver|stomach|tumour|spleen}.nii.gz"
names = { liver = "liver", stomach = "stomach", tumour = "liver_tumor", spleen = "spleen" }"""
    return build_store(folder, {"organs": body})


CHANNELS = {"flair": "FLAIR", "t1": "T1", "t1ce": "T1c", "t2": "T2"}


@pytest.fixture(scope="session")
def glioma_store(tmp_path_factory, build_store: Build) -> Path:
    """Return a store of three cases in four channels on one grid; the third case has no T2."""
    folder = tmp_path_factory.mktemp("glioma")
    where, raw = grid(), folder / "raw/glioma"
    labels = block(where.shape_ijk, (5, 25), (5, 25), (5, 25)) * 2
    labels[8:20, 8:20, 8:20] = 1
    labels[10:16, 10:16, 10:16] = 4
    for number in range(3):
        for seed, channel in enumerate(CHANNELS):
            if (number, channel) != (2, "t2"):
                write(Volume(noise(where.shape_ijk, 10 * number + seed), where), raw / f"p{number}/{channel}.nii.gz")
        write(Volume(np.roll(labels, number, axis=0), where), raw / f"p{number}/seg.nii.gz")
    images = [
        f'[[images]]\npath = "{{case}}/{channel}.nii.gz"\nchannel = "{channel}"\n'
        f'modality = "MR"\nsequence = "{sequence}"'
        for channel, sequence in CHANNELS.items()
    ]
    body = """[[labels]]
path = "{case}/seg.nii.gz"
values = { 1 = "brain_tumor_necrotic_core", 2 = "brain_tumor_edema", 4 = "brain_tumor_enhancing" }
composites = { brain_tumor = [1, 2, 4] }"""
    return build_store(folder, {"glioma": "\n".join([*images, body])})


@pytest.fixture(scope="session")
def colour_store(tmp_path_factory, build_store: Build) -> Path:
    """Return a store of two colour pictures with a lesion of two regions that touch at a corner, and one apart."""
    folder = tmp_path_factory.mktemp("colour")
    where, raw = Geometry((64, 48, 1), np.eye(4), unit="pixel"), folder / "raw/skin"
    lesion = block(where.shape_ijk, (5, 15), (5, 15), (0, 1)) + block(where.shape_ijk, (15, 20), (15, 20), (0, 1))
    lesion += block(where.shape_ijk, (40, 50), (30, 40), (0, 1)) + block(where.shape_ijk, (60, 61), (2, 4), (0, 1))
    for number in range(2):
        rgb = np.random.default_rng(number).integers(0, 256, (64, 48, 1, 3)).astype(np.uint8)
        write(Volume(rgb, where), raw / f"images/s{number}.png")
        write(Volume(lesion * np.uint8(255), where), raw / f"masks/s{number}.png")
    body = """[[images]]
path = "images/{case}.png"
modality = "dermoscopy"
[[labels]]
path = "masks/{case}.png"
target = "skin_lesion" """
    return build_store(folder, {"skin": body})


@pytest.fixture
def rows_of() -> Callable[[Path], list[dict[str, str]]]:
    """Return a function that reads a CSV file as dictionaries."""

    def rows(path: Path) -> list[dict[str, str]]:
        with path.open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))

    return rows
