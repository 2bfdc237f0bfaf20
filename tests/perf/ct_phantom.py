"""A CT of 512 x 512 x 200 voxels with 104 structures, in nnU-Net's raw layout, and the recipe that explains it."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from curate.files import write_bytes
from curate.geometry import Geometry
from curate.vocabulary import Vocabulary
from curate.volume import Volume, write

SHAPE = (512, 512, 200)
SPACING_MM = (0.78, 0.78, 2.1)
"""Chosen so that no centre of the 1.5 mm grid lies halfway between two voxels, where libraries round differently."""
CLASSES = 104
_NOISE_HU = 8.0
"""Gives files whose gzip is a little over half of a third of the voxels, as in clinical CT."""

_RECIPE = """\
schema = 1

[dataset]
id = "ct"
title = "Synthetic CT"
licence = "CC0-1.0"
licence_evidence = "made by tests/perf/ct_phantom.py"
citation = "medseen"
source = "tests/perf/ct_phantom.py"
annotation = "phantom"
region = "whole_body"

[[images]]
path = "imagesTr/{case}_0000.nii.gz"
modality = "CT"

[[labels]]
path = "labelsTr/{case}.nii.gz"

[labels.values]
"""


@dataclass(frozen=True, slots=True)
class Case:
    """One CT and its label map, in the source's orientation (LPS)."""

    image: Volume
    labels: Volume


def targets(classes: int = CLASSES) -> list[str]:
    """Return targets of the vocabulary that no profile splits into sides."""
    known = Vocabulary.load()
    solid = [slug for slug, target in known.targets.items() if target.kind in ("organ", "bone", "muscle", "vessel")]
    return [slug for slug in solid if known.sides(slug) is None][:classes]


def make(number: int = 0, shape: tuple[int, int, int] = SHAPE, classes: int = CLASSES) -> Case:
    """Draw a body with warped ellipsoids and noise; the same number gives the same voxels."""
    random = np.random.default_rng(number)
    labels = np.zeros(shape, dtype=np.uint8, order="F")
    sizes = np.geomspace(
        0.15, 0.012, classes
    )  # share of each axis; small structures last, or large ones would hide them
    for value, size in zip(random.permutation(classes) + 1, sizes, strict=True):
        centre = random.uniform(-0.28, 0.28, 3) * (1.2, 1, 1.5) + 0.5
        for _ in range(random.integers(1, 5)):
            _draw(
                labels, int(value), centre + random.normal(0, 1.2 * size, 3), size * random.uniform(0.4, 1, 3), random
            )
    axes = np.ogrid[tuple(slice(0, n) for n in shape)]
    body = sum(((x - n / 2) / (r * n)) ** 2 for x, n, r in zip(axes, shape, (0.45, 0.35, 2.0), strict=True)) <= 1
    means = np.concatenate([[0], random.integers(-100, 400, classes)]).astype(np.int16)
    image = np.asfortranarray(np.where(body, means[labels] + np.int16(40), np.int16(-1000)))
    for k in range(shape[2]):
        image[:, :, k] += np.rint(random.normal(0, _NOISE_HU, shape[:2])).astype(np.int16)
    affine = np.diag([-SPACING_MM[0], -SPACING_MM[1], SPACING_MM[2], 1.0])
    affine[:3, 3] = 200.0, 180.0, -300.0
    grid = Geometry(shape, affine)
    return Case(Volume(image, grid), Volume(labels, grid))


def write_dataset(folder: Path, cases: int, shape: tuple[int, int, int] = SHAPE, classes: int = CLASSES) -> Path:
    """Write cases in nnU-Net's raw layout below `folder` and return the path of their recipe, `folder/ct.toml`."""
    for number in range(cases):
        case = make(number, shape, classes)
        write(case.image, folder / f"raw/imagesTr/ct_{number:03}_0000.nii.gz")
        write(case.labels, folder / f"raw/labelsTr/ct_{number:03}.nii.gz")
    values = "\n".join(f"{value} = {json.dumps(target)}" for value, target in enumerate(targets(classes), start=1))
    write_bytes(folder / "ct.toml", f"{_RECIPE}{values}\n".encode())
    return folder / "ct.toml"


def _draw(
    labels: NDArray[np.uint8],
    value: int,
    centre: NDArray[np.float64],
    size: NDArray[np.float64],
    random: np.random.Generator,
) -> None:
    """Add one ellipsoid whose surface waves; centre and half axes are shares of the array's axes."""
    shape = np.array(labels.shape)
    middle, radii = centre * shape, size * shape + 1
    low = np.clip(np.floor(middle - 1.4 * radii), 0, shape).astype(int)
    high = np.clip(np.ceil(middle + 1.4 * radii), low, shape).astype(int)
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    i, j, k = [(x - c) / r for x, c, r in zip(np.ogrid[box], middle, radii, strict=True)]
    a, b, c = random.uniform(0, 6, 3)
    waves = 0.25 * np.sin(3 * i + a) * np.sin(3 * j + b) + 0.15 * np.sin(4 * k + c)
    labels[box][i**2 + j**2 + k**2 <= 1 + waves] = value
