"""A source tree of tiny volumes, the recipe that explains it, and the store that it becomes."""

import hashlib
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from curate import manifest, pipeline, profile, recipe
from curate.executor import Where
from curate.geometry import Geometry
from curate.pipeline import Report, Source
from curate.recipe import Recipe
from curate.source_tree import SourceTree
from curate.volume import Volume, write

FACTS = """
schema = 1
[dataset]
id = "{name}"
title = "Tiny volumes"
licence = "CC0-1.0"
licence_evidence = "made by a test"
citation = "none"
source = "a test"
annotation = "phantom"
region = "abdomen"
"""
ENTRIES = """
[[images]]
path = "images/{case}.nii.gz"
modality = "CT"
[[labels]]
path = "labels/{case}.nii.gz"
values = { 1 = "liver", 2 = "spleen" }
"""


@dataclass(frozen=True, slots=True)
class Built:
    """A store and what its build reported, dataset by dataset."""

    store: Path
    reports: Sequence[Report]

    def rows(self, table: str, **wanted: Any) -> list[dict[str, Any]]:
        """Return the rows of a table in which the named columns have the wanted values."""
        rows = manifest.read_table(self.store, table).to_pylist()
        return [row for row in rows if all(row[name] == value for name, value in wanted.items())]

    def codes(self) -> list[tuple[str | None, str]]:
        """Return case and code of every rejection, sorted."""
        return sorted(((row["case_id"], row["code"]) for row in self.rows("rejections")), key=str)


@dataclass(frozen=True, slots=True)
class Tree:
    """A source tree below `raw`, with recipes beside it."""

    ENTRIES: ClassVar[str] = ENTRIES
    """Recipe entries for what `case` writes."""
    folder: Path

    @property
    def raw(self) -> Path:
        """Root of the source tree."""
        return self.folder / "raw"

    @property
    def source_tree(self) -> SourceTree:
        """The source tree as a scan takes it."""
        return SourceTree(self.raw)

    def image(self, path: str, *, seed: int = 0, shape: tuple[int, int, int] = (6, 5, 4), spacing: float = 2.0) -> Path:
        """Write an image of noise, int16, or a grey picture where the name ends in .png."""
        voxels = np.random.default_rng(seed).integers(0, 200, shape)
        return self._write(path, voxels.astype(np.uint8 if path.endswith(".png") else np.int16), spacing)

    def label(
        self, path: str, ends: Mapping[int, int], *, shape: tuple[int, int, int] = (6, 5, 4), spacing: float = 2.0
    ) -> Path:
        """Write a label map in which each value fills the planes along i from the last value's end to its own."""
        voxels = np.zeros(shape, dtype=np.uint8)
        start = 0
        for value, end in ends.items():
            voxels[start:end] = value
            start = end
        return self._write(path, voxels, spacing)

    def case(self, name: str, ends: Mapping[int, int] | None = None, *, seed: int = 0) -> None:
        """Write an image and its label map where `ENTRIES` looks for them; liver and spleen of two planes each."""
        self.image(f"images/{name}.nii.gz", seed=seed)
        self.label(f"labels/{name}.nii.gz", {1: 2, 2: 4} if ends is None else ends)

    def write_recipe(self, entries: str = ENTRIES, name: str = "tiny") -> Path:
        """Write a recipe with these entries."""
        path = self.folder / f"{name}.toml"
        path.write_text(FACTS.replace("{name}", name) + entries, encoding="utf-8")
        return path

    def recipe(self, entries: str = ENTRIES, name: str = "tiny") -> Recipe:
        """Write and load a recipe with these entries."""
        return recipe.load(str(self.write_recipe(entries, name)))

    def build(self, entries: str = ENTRIES, *, name: str = "tiny", **options: Any) -> Built:
        """Build the tree into `store`, in this thread unless `workers` or `scheduler` say otherwise."""
        where = Where(options.pop("workers", 1), options.pop("scheduler", None))
        rules = profile.load(options.pop("profile", "native"))
        store = self.folder / options.pop("out", "store")
        source = Source(self.recipe(entries, name), options.pop("raw", self.raw))
        return Built(store, pipeline.build([source], store, rules, where, **options))

    def _write(self, path: str, voxels: np.ndarray, spacing: float) -> Path:
        unit = "pixel" if path.endswith(".png") else "mm"
        affine = np.eye(4) if unit == "pixel" else np.diag([spacing, spacing, spacing, 1.0])
        write(Volume(voxels, Geometry(voxels.shape, affine, unit)), self.raw / path)
        return self.raw / path


@pytest.fixture(scope="session")
def planted() -> Callable[[Path], Tree]:
    """Return a function that makes an empty source tree in a folder."""

    def plant(folder: Path) -> Tree:
        (folder / "raw").mkdir()
        return Tree(folder)

    return plant


@pytest.fixture
def tree(tmp_path: Path, planted: Callable[[Path], Tree]) -> Tree:
    """Return an empty source tree."""
    return planted(tmp_path)


@pytest.fixture(scope="session")
def digests():
    """Return a function from a folder to the SHA-256 of every file in it, by relative path."""

    def hashed(folder: Path) -> dict[str, str]:
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    return hashed


SCHEDULER = """
from distributed import LocalCluster
where = {"processes": False, "protocol": "tcp://", "host": "127.0.0.1", "scheduler_port": 0}
with LocalCluster(n_workers=1, threads_per_worker=2, scheduler_kwargs={"dashboard_address": ":0"}, **where) as cluster:
    print(cluster.scheduler_address, flush=True)
    input()
"""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A scheduler with one worker, both in a process of their own."""

    address: str
    folder: Path
    """Their working directory."""
    process: subprocess.Popen[str]


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Start a scheduler and a worker somewhere else than the test, as on a real cluster."""
    folder = tmp_path_factory.mktemp("elsewhere")
    command = [sys.executable, "-c", SCHEDULER]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=folder, text=True, **pipes) as process:
        yield Cluster(process.stdout.readline().strip(), folder, process)
        process.kill()
