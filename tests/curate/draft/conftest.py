"""Source trees of tiny files, and what a draft of them finds."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from curate import recipe, scan
from curate.draft import Draft, draft, write
from curate.geometry import Geometry
from curate.recipe import Recipe
from curate.scan import Found
from curate.source_tree import SourceTree
from curate.volume import Volume
from curate.volume import write as write_volume

SHAPE, PICTURE = (6, 5, 4), (8, 6, 1)


def ct(*, air: int = -1000) -> np.ndarray:
    """Return intensities in HU: air and tissue."""
    return np.random.default_rng(0).integers(air, 200, SHAPE).astype(np.int16)


def labels(values: Iterable[int], shape: tuple[int, int, int] = SHAPE) -> np.ndarray:
    """Return a label map that is mostly background."""
    found = np.zeros(shape, dtype=np.uint8)
    for number, value in enumerate(values):
        found[number % 5, 1 + number // 5 % 4, 0] = value
    return found


def picture() -> np.ndarray:
    """Return grey values without a 0."""
    return np.random.default_rng(0).integers(1, 256, PICTURE).astype(np.uint8)


def content(word: str) -> np.ndarray:
    """Return voxels by a word: `ct`, `mr`, `picture`, `mask`, `4d`, or label values such as `labels 1 2`."""
    kind, *values = word.split()
    if kind == "labels":
        return labels(map(int, values))
    made = {
        "ct": ct,
        "mr": lambda: ct(air=0),
        "picture": picture,
        "mask": lambda: labels([255], PICTURE),
        "4d": lambda: np.ones((*SHAPE, 2), dtype=np.int16),
    }
    return made[kind]()


def plant(root: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files below a folder: bytes and text as they are, `@` and a word as voxels on a grid of 1 mm."""
    for name, what in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(what, bytes):
            path.write_bytes(what)
        elif not what.startswith("@"):
            path.write_text(what, encoding="utf-8")
        else:
            save(path, content(what[1:]))
    return root


def save(path: Path, voxels: np.ndarray) -> None:
    """Write voxels in the format of the suffix."""
    import nibabel

    if voxels.ndim == 4:
        nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4)), path)
    else:
        write_volume(
            Volume(voxels, Geometry(voxels.shape, np.eye(4), "pixel" if path.suffix == ".png" else "mm")), path
        )


def state(root: Path) -> dict[str, str]:
    """Return every file below a folder, with its hash."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


@dataclass(frozen=True, slots=True)
class Drafted:
    """A draft, loaded as a recipe, and what it finds."""

    draft: Draft
    recipe: Recipe
    found: Found

    @property
    def counts(self) -> tuple[int, int, int]:
        """Cases, images and label files."""
        cases = self.found.cases
        return len(cases), sum(len(case.images) for case in cases), sum(len(case.labels) for case in cases)

    @property
    def keys(self) -> list[str]:
        """Case keys."""
        return [case.case_id for case in self.found.cases]

    @property
    def label_paths(self) -> list[str]:
        """Paths of the label entries."""
        return [entry.path for entry in self.recipe.labels]

    @property
    def image_paths(self) -> list[str]:
        """Paths of the image entries."""
        return [entry.path for entry in self.recipe.images]


@dataclass(frozen=True, slots=True)
class Maker:
    """Plants trees and drafts recipes of them."""

    folder: Path

    def plant(self, files: Mapping[str, str | bytes], name: str = "tree") -> Path:
        """Write a source tree."""
        return plant(self.folder / name, files)

    def draft(self, tree: Path, name: str = "drafted") -> Drafted:
        """Draft a recipe, write it, load it as any recipe and scan with it; the tree must stay as it was."""
        before = state(tree)
        made = draft(tree, name)
        path = self.folder / "out" / f"{name}.toml"
        write(path, made)
        loaded = recipe.load(str(path))
        found = Drafted(made, loaded, scan.find(loaded, SourceTree(tree)))
        assert state(tree) == before
        return found

    def of(self, files: Mapping[str, str | bytes], name: str = "drafted") -> Drafted:
        """Plant a tree and draft a recipe of it."""
        return self.draft(self.plant(files), name)


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    """Return a maker in a folder of its own."""
    return Maker(tmp_path)


@pytest.fixture
def draft_of(maker: Maker) -> Callable[..., Drafted]:
    """Return what plants files and drafts a recipe of them."""
    return maker.of
