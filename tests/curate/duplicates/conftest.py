"""Phantom scans with a texture of their own, what may happen to a scan on its way into another dataset, and stores."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from curate import pipeline, profile
from curate.executor import Where
from curate.geometry import Geometry
from curate.pipeline import Source
from curate.recipe import Recipe
from curate.volume import Volume, to_simpleitk, write

Array = np.ndarray


def textured(seed: int, shape: tuple[int, int, int] = (40, 44, 36)) -> Array:
    """Return a body with smooth texture and a soft edge, -1000 outside; the outline is the same for every seed."""
    grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, n) if n > 1 else [0.0] for n in shape], indexing="ij"))
    noise = np.random.default_rng(seed).normal(size=shape)
    smooth = ndimage.gaussian_filter(noise, [2 if n > 1 else 0 for n in shape])
    body = np.clip(3 * (1 - (grid**2).sum(axis=0) - 0.4 * grid[0] * grid[1] - 0.3 * grid[0] * grid[2]), 0, 1)
    return (body * (1500 + 300 * smooth / smooth.std()) - 1000).astype(np.float32)


def linear(voxels: Array, factors: tuple[float, float, float]) -> Array:
    """Resample linearly over the same field of view to about `factors` times as many voxels."""
    shape = [max(1, round(n * factor)) if n > 1 else 1 for n, factor in zip(voxels.shape, factors, strict=True)]
    centres = [(np.arange(m) + 0.5) * n / m - 0.5 for m, n in zip(shape, voxels.shape, strict=True)]
    grid = np.meshgrid(*centres, indexing="ij")
    return ndimage.map_coordinates(voxels, grid, order=1, mode="nearest").astype(np.float32)


def to_bytes(voxels: Array) -> Array:
    """Stretch intensities from least to greatest over 0..255 and round."""
    low, high = voxels.min(), voxels.max()
    return np.rint((voxels - low) / (high - low) * 255).astype(np.float32)


def padded(voxels: Array, value: float) -> Array:
    """Pad unequally on all sides, along k only for volumes."""
    along_k = (3, 8) if voxels.shape[2] > 1 else (0, 0)
    return np.pad(voxels, ((7, 12), (15, 2), along_k), constant_values=value)


def noisy(voxels: Array) -> Array:
    """Add noise of 1 % of the intensity range."""
    low, high = np.percentile(voxels, (0.1, 99.9))
    return voxels + np.random.default_rng(0).normal(0, 0.01 * (high - low), voxels.shape).astype(np.float32)


def jpeg(voxels: Array) -> Array:
    """Stretch intensities of a picture over 0..255, compress it with loss (quality 60) and read it back."""
    stream = io.BytesIO()
    Image.fromarray(to_bytes(voxels)[:, :, 0].astype(np.uint8)).save(stream, "JPEG", quality=60)
    return np.asarray(Image.open(stream)).astype(np.float32)[:, :, np.newaxis]


def turned(voxels: Array) -> Array:
    """Exchange axes and flip one, as under a header that lies."""
    return np.flip(voxels.transpose(1, 0, 2) if voxels.shape[2] == 1 else voxels.transpose(2, 0, 1), 1)


def in_plane(voxels: Array, factor: float) -> Array:
    """Resample along i and j alone."""
    return linear(voxels, (factor, factor, 1))


CHANGES: Mapping[str, tuple[Callable[[Array], Array], str]] = {
    "flipped": (lambda v: v[::-1], "reoriented"),
    "turned": (turned, "reoriented"),
    "zero padding": (lambda v: padded(v, 0), "padded"),
    "padding by the least value": (lambda v: padded(v, v.min()), "padded"),
    "a * x + b": (lambda v: 2.5 * v + 100, "rescaled"),
    "min-max to uint8": (to_bytes, "rescaled"),
    "finer": (lambda v: linear(v, (1.5, 1.5, 1.5)), "resampled"),
    "coarser": (lambda v: linear(v, (0.7, 0.7, 0.7)), "resampled"),
    "half": (lambda v: linear(v, (0.5, 0.5, 0.5)), "resampled"),
    "coarser in plane": (lambda v: in_plane(v, 0.6), "resampled"),
    "noise": (noisy, "altered"),
    "noise on padding": (lambda v: noisy(padded(v, v.min())), "padded"),
    "all at once": (
        lambda v: to_bytes(linear(padded(turned(v), v.min()), (0.8, 0.8, 0.8))),
        "reoriented+padded+resampled+rescaled",
    ),
}
"""Name -> what is done to (i, j, k) voxels, and the kind that it must be called."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """A folder in which stores are made of arrays."""

    folder: Path

    def store(self, name: str, images: Mapping[str, Volume]) -> Path:
        """Build a store.

        Args:
            name: Folder of the store.
            images: `<dataset>/<split>/<case>.<suffix>` -> image; `.png`, `.nii.gz` or whatever SimpleITK writes.
        """
        raw = self.folder / f"{name}-raw"
        for path, image in images.items():
            self._write(raw / path, image)
        sources = [
            Source(_recipe(raw, dataset), raw / dataset) for dataset in sorted({p.split("/")[0] for p in images})
        ]
        store = self.folder / name
        pipeline.build(sources, store, profile.load("native"), Where(workers=1))
        return store

    @staticmethod
    def _write(path: Path, image: Volume) -> None:
        import SimpleITK as sitk

        path.parent.mkdir(parents=True, exist_ok=True)
        label = Volume(np.ones(image.geometry.shape_ijk, dtype=np.uint8), image.geometry)
        if path.name.endswith((".png", ".nii.gz")):
            write(image, path)
            write(label, path.with_name(f"label-{path.name}"))
        else:
            sitk.WriteImage(to_simpleitk(image), str(path))
            sitk.WriteImage(to_simpleitk(label), str(path.with_name(f"label-{path.name}")))


def _recipe(raw: Path, dataset: str) -> Recipe:
    suffixes = {"." + path.name.split(".", 1)[1] for path in (raw / dataset).rglob("*") if path.is_file()}
    facts = dict.fromkeys(("title", "licence", "licence_evidence", "citation", "source", "region"), "a test")
    return Recipe.model_validate(
        {
            "schema": 1,
            "dataset": {**facts, "id": dataset, "annotation": "phantom", "region": "abdomen"},
            "images": [{"path": rf"{{split}}/{{case:[a-z0-9]+}}{end}", "modality": "CT"} for end in sorted(suffixes)],
            "labels": [
                {"path": rf"{{split}}/label-{{case:[a-z0-9]+}}{end}", "target": "liver"} for end in sorted(suffixes)
            ],
        }
    )


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """Return an empty shelf for stores."""
    return Shelf(tmp_path)


@pytest.fixture(scope="session")
def scan() -> Callable[..., Array]:
    """Return the function from a seed (and a shape) to a phantom's voxels."""
    return textured


@pytest.fixture(scope="session")
def scan_volume() -> Callable[[Array], Volume]:
    """Return the function that puts voxels onto a RAS+ grid of 1 mm, or pictures onto pixels."""

    def placed(voxels: Array) -> Volume:
        picture = voxels.shape[2] == 1
        return Volume(voxels, Geometry(voxels.shape, np.eye(4), "pixel" if picture else "mm"))

    return placed


@pytest.fixture(scope="session")
def changes() -> Mapping[str, tuple[Callable[[Array], Array], str]]:
    """Return what may happen to a scan, by name, with the kind that it must be called."""
    return {**CHANGES, "JPEG": (jpeg, "rescaled")}
