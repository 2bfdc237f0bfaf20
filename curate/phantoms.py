"""Three small phantom datasets in three public layouts, with volumes and surfaces known in closed form.

`python -m curate.phantoms DIR` writes them below DIR; the recipes `phantom-nnunet`, `phantom-nrrd` and `phantom-png`
explain them. Intensities let a model find the structures; noise and a blurred twin nearby keep it from being trivial.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.files import write_bytes
from curate.geometry import Geometry
from curate.volume import Volume, to_simpleitk, write

_OBLIQUE = 0.15
"""Radians by which one grid in three is turned about the body axis."""


def ellipsoid(
    geometry: Geometry, centre_mm: tuple[float, float, float], radii_mm: tuple[float, float, float]
) -> NDArray[np.bool_]:
    """Return the voxels whose centres lie inside an ellipsoid along the world's axes, (i, j, k)."""
    grid = np.stack(np.meshgrid(*[np.arange(n) for n in geometry.shape_ijk], indexing="ij"), axis=-1)
    offset = (geometry.to_world(grid) - np.array(centre_mm)) / np.array(radii_mm)
    inside: NDArray[np.bool_] = (offset**2).sum(axis=-1) <= 1
    return inside


def body_grid(number: int) -> Geometry:
    """Return the grid of phantom patient `number`: RAS, then LPS, then oblique, with unequal spacings."""
    shape, spacing = (72, 64, 36), np.array([3.0, 3.5, 5.0])
    directions = np.diag([1.0, 1.0, 1.0])
    if number % 3 == 1:
        directions = np.diag([-1.0, -1.0, 1.0])
    if number % 3 == 2:
        c, s = np.cos(_OBLIQUE), np.sin(_OBLIQUE)
        directions = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])
    affine = np.eye(4)
    affine[:3, :3] = directions * spacing
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return Geometry(shape, affine)


def body(number: int) -> dict[str, NDArray[np.bool_]]:
    """Return the structures of phantom patient `number` on `body_grid(number)`; sizes vary with the patient."""
    grid, scale = body_grid(number), 1 + 0.06 * (number % 5)
    kidney = (18.0 * scale, 22.0 * scale, 34.0 * scale)
    structures = {
        "body": ellipsoid(grid, (0, 0, 0), (98, 92, 200)),
        "liver": ellipsoid(grid, (42, 20, 22), (38 * scale, 46 * scale, 38 * scale)),
        "spleen": ellipsoid(grid, (-58, -8, 30), (18 * scale, 24 * scale, 30 * scale)),
        "kidney_right": ellipsoid(grid, (44, -46, -34), kidney),
        "kidney_left": ellipsoid(grid, (-42, -46, -30), kidney),
        "kidney_tumor": ellipsoid(grid, (-42, -34, -34), (10 * scale, 10 * scale, 12 * scale)),
    }
    structures["kidney_left"] &= ~structures["spleen"]
    structures["kidney_tumor"] &= structures["kidney_left"]
    structures["kidney_right"] &= ~structures["liver"]
    return structures


def body_intensities(structures: Mapping[str, NDArray[np.bool_]], number: int) -> NDArray[np.int16]:
    """Return CT-like intensities in HU with noise of 12 HU."""
    hounsfield = {"body": 20, "liver": 110, "spleen": 150, "kidney_right": 190, "kidney_left": 190, "kidney_tumor": 70}
    voxels = np.full(structures["body"].shape, -1000.0)
    for name, value in hounsfield.items():
        voxels[structures[name]] = value
    noise = np.random.default_rng(number).normal(0, 12, voxels.shape)
    return np.asarray(np.rint(voxels + noise), dtype=np.int16)


def write_nnunet(folder: Path, cases: int = 6) -> None:
    """Write label maps in nnU-Net's raw layout: kidney, its tumour and the liver in one file per case.

    One case has no image and one label map carries a value that dataset.json does not name.
    """
    for number in range(cases):
        grid, parts = body_grid(number), body(number)
        labels = np.zeros(grid.shape_ijk, dtype=np.uint8)
        for value, name in ((1, "kidney_left"), (1, "kidney_right"), (2, "kidney_tumor"), (3, "liver")):
            labels[parts[name]] = value
        if number == 1:
            labels[0, 0, 0] = 9
        write(Volume(labels, grid), folder / f"labelsTr/body_{number:03}.nii.gz")
        if number != cases - 1:
            image = Volume(body_intensities(parts, number), grid)
            write(image, folder / f"imagesTr/body_{number:03}_0000.nii.gz")
    names = {"background": 0, "kidney": [1, 2], "tumor": 2, "liver": 3}
    dataset = {"channel_names": {"0": "CT"}, "labels": names, "numTraining": cases, "file_ending": ".nii.gz"}
    write_bytes(folder / "dataset.json", json.dumps(dataset, indent=2).encode())


def write_nrrd(folder: Path, cases: int = 5) -> None:
    """Write one NRRD per structure beside each image; the spleen of one patient is looked for and not there."""
    import SimpleITK as sitk

    for number in range(cases):
        patient = folder / f"patient{number + 1}"
        patient.mkdir(parents=True, exist_ok=True)
        grid, parts = body_grid(number + 1), body(number + 1)
        files: dict[str, NDArray[Any]] = {"image": body_intensities(parts, 100 + number)}
        for name in ("liver", "spleen", "kidney_left", "kidney_right"):
            files[f"structures/{name}"] = parts[name].astype(np.uint8)
        if number == 2:
            files["structures/spleen"] = np.zeros(grid.shape_ijk, dtype=np.uint8)
        for name, voxels in files.items():
            path = patient / f"{name}.nrrd"
            path.parent.mkdir(exist_ok=True)
            sitk.WriteImage(to_simpleitk(Volume(voxels, grid)), str(path), useCompression=True)


def write_png(folder: Path, cases: int = 6) -> None:
    """Write pictures of two bright lungs and their masks; one mask is empty."""
    for number in range(cases):
        shape = (160 + 8 * number, 140, 1)
        grid = Geometry(shape, np.eye(4), unit="pixel")
        centre = shape[0] / 2
        lungs = ellipsoid(grid, (centre - 34, 72, 0), (22 + number, 48, 1)) | ellipsoid(
            grid, (centre + 34, 72, 0), (24, 50, 1)
        )
        noise = np.random.default_rng(1000 + number).normal(0, 10, shape)
        image = np.clip(np.where(lungs, 60, 150) + noise, 0, 255).astype(np.uint8)
        mask = np.where(lungs, 255, 0).astype(np.uint8) if number != 3 else np.zeros(shape, dtype=np.uint8)
        write(Volume(image, grid), folder / f"images/xray{number}.png")
        write(Volume(mask, grid), folder / f"masks/xray{number}_mask.png")


def write_all(folder: Path) -> None:
    """Write the three datasets into folders named after their recipes."""
    write_nnunet(folder / "phantom-nnunet")
    write_nrrd(folder / "phantom-nrrd")
    write_png(folder / "phantom-png")


if __name__ == "__main__":
    write_all(Path(sys.argv[1]))
