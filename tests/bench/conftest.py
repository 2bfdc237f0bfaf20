"""A small store whose masks are hard on purpose, ways to run models on it, and runs written as one would be."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from bench import models, suite
from bench import run as runs
from bench.policy import Policy
from bench.schema import MEASURED, SCORES
from curate import manifest, volume
from curate.executor import Where
from curate.files import write_json
from curate.geometry import Geometry
from curate.labelmap import BoxMask, pack
from curate.schema import DATASETS, PER_DATASET, arrow_table
from curate.volume import Volume

ROOT = Path(__file__).resolve().parents[2]
SUITE = {"name": "tiny", "version": 1, "sha256": "aa"}
PROTOCOL = {"name": "clicks", "version": 2, "parameters": {"steps": [1]}, "sha256": "bb"}
STORE = {"profile": "as-is", "sha256": "cc"}
ROW = {column.name: None for column in SCORES} | {
    "suite": "tiny",
    "suite_group": "all",
    "dataset": "d1",
    "patient_id": "p1",
    "target": "liver",
    "modality": "CT",
    "anatomy_group": "abdomen",
    "kind": "organ",
    "reference_voxels": 10,
    "seen_target": "seen",
    "seen_modality": "seen",
    "seen_dataset": "unseen",
    "seen_image": "unknown",
    "protocol": "clicks@2",
    "protocol_hash": "bb",
    "seed": 0,
    "step": 1,
    "n_points": 1,
    "n_actions": 1,
    "status": "ok",
    "tolerance": 2.0,
    "distance_unit": "mm",
}

MODELS = '''
"""Models that misbehave in known ways."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.models.base import Capabilities, ModelCard
from curate.labelmap import BoxMask

LOG = Path(__file__).with_name("calls.log")


@dataclass
class Cube:
    """Answers with the cube around the last click; logs every call."""

    shape: tuple
    pause: float = 0.0

    def predict(self, prompts):
        with LOG.open("a") as log:
            log.write(f"{prompts.key} {len(prompts.labels)}\\n")
        time.sleep(self.pause)
        inside = np.zeros(self.shape, dtype=bool)
        i, j, k = (int(n) for n in prompts.points_ijk[-1])
        inside[max(0, i - 2):i + 3, max(0, j - 2):j + 3, max(0, k - 2):k + 3] = True
        return BoxMask.of(inside)


class Cubes:
    card = ModelCard("cubes", "cubes around clicks", "MIT", Capabilities(), "untrained")
    pause = 0.0

    def open(self, image):
        return Cube(image.geometry.shape_ijk, self.pause)


class Slow(Cubes):
    pause = 0.04


class Killer(Cubes):
    """Ends the process of whoever shows it the oblique image."""

    def open(self, image):
        if abs(image.geometry.affine[0, 1]) > 0.01:
            os._exit(3)
        return super().open(image)
'''

DATASET_FACTS = {
    "licence": "CC0-1.0",
    "licence_evidence": "made by a test",
    "licence_state": "stated",
    "licence_conflict": None,
    "derived_from": [],
    "citation": "nobody",
    "homepage": None,
    "source": "a test",
    "annotation": "phantom",
    "recipe_sha256": "0" * 64,
    "rejections": 0,
}


def ball(grid, centre, radius):
    """Return the voxels whose centres lie within `radius` (in the unit of the grid) of a voxel."""
    voxels = np.stack(np.meshgrid(*[np.arange(n) for n in grid.shape_ijk], indexing="ij"), axis=-1)
    return (((voxels - centre) * np.array(grid.spacing)) ** 2).sum(axis=-1) <= radius**2


def turned(directions, spacing, shape):
    """Return a grid with the given axes (columns) and spacings, off centre."""
    affine = np.eye(4)
    affine[:3, :3] = np.array(directions, dtype=float) * np.array(spacing)
    affine[:3, 3] = (-11.5, 20.25, 7)
    return Geometry(shape, affine)


def scenes():
    """Return image_id -> (modality, volume, masks by target): flipped, anisotropic, oblique, overlapping, flat."""
    flipped = turned(np.diag([-1, -1, 1]), (1.0, 1.5, 4.0), (20, 18, 9))
    c, s = np.cos(0.4), np.sin(0.4)
    oblique = turned([[c, -s, 0], [s, c, 0], [0, 0, -1]], (0.7, 1.1, 2.3), (17, 22, 12))
    permuted = turned([[0, 0, 1], [1, 0, 0], [0, -1, 0]], (2.0, 1.0, 1.0), (9, 16, 16))
    flat = Geometry((24, 19, 1), np.eye(4), unit="pixel")
    one_voxel = np.zeros(flipped.shape_ijk, dtype=bool)
    one_voxel[3, 4, 5] = True
    found = {
        "hard/flipped": ("CT", flipped, {"liver": ball(flipped, (9, 8, 4), 6.5), "spleen": one_voxel}),
        "hard/oblique": (
            "MR",
            oblique,
            {"liver": ball(oblique, (0, 10, 6), 5), "heart": ball(oblique, (10, 12, 5), 4)},
        ),
        "hard/permuted": (
            "CT",
            permuted,
            {
                "kidney": ball(permuted, (4, 7, 7), 5),
                "kidney_tumor": ball(permuted, (4, 7, 6), 2),
                "liver": ball(permuted, (4, 10, 9), 5),
            },
        ),
        "pictures/photo": ("XR", flat, {"lung": ball(flat, (6, 9, 0), 5) | ball(flat, (17, 9, 0), 4)}),
    }
    return {
        image_id: (modality, picture(image_id, grid, masks), masks)
        for image_id, (modality, grid, masks) in found.items()
    }


def picture(image_id, grid, masks):
    """Return an image in which masks are bright; the flat one is in colour."""
    noise = np.random.default_rng(len(image_id)).normal(0, 4, grid.shape_ijk)
    bright = sum((voxels.astype(float) for voxels in masks.values()), np.zeros(grid.shape_ijk))
    voxels = np.clip(60 + 100 * (bright > 0) + noise, 0, 255).astype(np.uint8)
    if grid.unit == "pixel":
        voxels = np.stack([voxels, voxels // 2, 255 - voxels], axis=-1)
    return Volume(voxels, grid)


def write_scene(store, image_id, modality, image, masks):
    """Write one image, its label maps, and return its rows of the images, masks and splits tables."""
    dataset, case = image_id.split("/")
    flat = image.geometry.unit == "pixel"
    path = f"images/{image_id}{'.png' if flat else '.nii.gz'}"
    volume.write(image, store / path)
    boxes = [BoxMask.of(voxels) for voxels in masks.values()]
    layers, placed = pack(boxes, range(1, len(boxes) + 1))
    for number, layer in enumerate(layers):
        volume.write(Volume(layer, image.geometry), store / f"labels/{image_id}.{number}.nii.gz")
    whose = {"dataset": dataset, "case_id": case, "patient_id": case, "modality": modality, "sequence": None}
    where = {"image_id": image_id, "path": path, "shape_ijk": list(image.geometry.shape_ijk), "region": "abdomen"}
    where |= {
        "spacing_mm": None if flat else list(image.geometry.spacing),
        "affine": image.geometry.affine.ravel().tolist(),
    }
    where |= {
        "source_path": path,
        "source_sha256": "0",
        "voxel_sha256": image.voxel_sha256(),
        "geometry": "ok",
        "source_orientation": None,
    }
    rows = [
        {
            **whose,
            "mask_id": f"{image_id}#{target}",
            "image_id": image_id,
            "target": target,
            "side": None,
            "kind": "lesion" if target == "kidney_tumor" else "organ",
            "anatomy_group": None,
            "source_label": target,
            "source_path": path,
            "path": f"labels/{image_id}.{place.layer}.nii.gz",
            "label_values": list(place.values),
            "voxels": box.count,
            "volume_mm3": None,
            "bbox_ijk": list(box.box),
            "extent_mm": None,
            "centroid_mm": None,
            "components": 1,
            "touches_border": False,
        }
        for (target, box, place) in zip(masks, boxes, placed, strict=True)
    ]
    split = {"image_id": image_id, "dataset": dataset, "patient_id": case}
    split |= {
        "split": "train" if case == "oblique" else "test",
        "origin": "official" if case == "oblique" else "hashed",
    }
    return {
        "images": [{**whose, **where, "intensity_unit": None, "origin": None, "labelled_targets": list(masks)}],
        "masks": rows,
        "splits": [split],
    }


def write_store(store, names=None):
    """Write the scenes as a finished store."""
    tables = {}
    for image_id, scene in scenes().items():
        if names is None or image_id in names:
            for name, rows in write_scene(store, image_id, *scene).items():
                tables.setdefault((name, image_id.split("/")[0]), []).extend(rows)
    datasets = sorted({dataset for _, dataset in tables})
    files = {}
    for dataset in datasets:
        for name in PER_DATASET:
            path = manifest.table_path(name, dataset)
            files[path] = manifest.write_table(store / path, PER_DATASET[name], tables.get((name, dataset), []))
    rows = [{"dataset": one, "title": one, "images": 1, "masks": 1, "patients": 1, **DATASET_FACTS} for one in datasets]
    manifest.write_table(store / manifest.DATASETS_PATH, DATASETS, rows)
    profile = {"name": "native", "sha256": "0", "spacing_mm": None}
    content = {"schema_version": 1, "medseen_version": "0", "profile": profile, "counts": {}, "files": files}
    write_json(store / manifest.STORE_PATH, content)
    return store


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    """Return a store of 4 images with 8 masks, one a single voxel, some overlapping or nested."""
    return write_store(tmp_path_factory.mktemp("store"))


@pytest.fixture
def own_store(tmp_path):
    """Return a store like `store` that a test may damage."""
    return write_store(tmp_path / "own-store")


@pytest.fixture
def model_file(tmp_path):
    """Return a user's own file of models."""
    path = tmp_path / "their_models.py"
    path.write_text(MODELS, encoding="utf-8")
    return path


@pytest.fixture
def calls(model_file):
    """Return a function that gives the calls that the models of `model_file` logged, and forgets them."""

    def take():
        log = model_file.with_name("calls.log")
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return lines

    return take


@pytest.fixture(scope="session")
def everything():
    """Return the shipped suite of every mask."""
    return suite.load("all")


@pytest.fixture
def bench_run(store, everything, tmp_path):
    """Return a function that runs a model by name on the whole store into a folder, and returns the report."""

    def start(name, out, workers=1, scheduler=None, of=everything, on=store, **options):
        policy = Policy(**{key: options.pop(key) for key in list(options) if key in Policy.__slots__})
        where = Where(workers, scheduler)
        return runs.run(of, models.Choice(str(name)), on, tmp_path / out, where, policy=policy, **options)

    return start


@pytest.fixture(scope="session")
def rows_of():
    """Return a function that gives the rows of a run, without timings, and refuses nulls where none may be."""

    def read(run):
        import pyarrow.parquet as pq

        timings = {column.name for column in MEASURED}
        rows = pq.read_table(run / "scores.parquet").to_pylist()
        return [{name: value for name, value in row.items() if name not in timings} for row in rows]

    return read


@pytest.fixture(scope="session")
def command():
    """Return a function that runs `python -m bench` in a process of its own, with two threads at most."""

    def run(*arguments, **options):
        environment = {**os.environ, "OMP_NUM_THREADS": "2", "PYTHONPATH": str(ROOT)}
        return subprocess.run(
            [sys.executable, "-m", "bench", *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
            timeout=300,
            **options,
        )

    return run


@pytest.fixture
def facts():
    """Return a function that reads a run's `run.json`."""
    return lambda run: json.loads((run / "run.json").read_text())


@pytest.fixture(scope="session")
def write_run():
    """Return a function that writes a run of some rows into a folder."""

    def write(path, rows, model="net", card=None, **facts):
        path.mkdir(parents=True)
        full = []
        for number, row in enumerate(rows):
            mask = row.get("mask_id", f"m{number:03}")
            full.append(ROW | {"model": model, "mask_id": mask, "image_id": mask.split("#")[0]} | row)
        pq.write_table(arrow_table(SCORES, full), path / "scores.parquet")
        shared = {"suite": SUITE, "protocol": PROTOCOL, "store": STORE}
        content = {"model": {"name": model, "licence": "MIT"} | (card or {})} | shared | facts
        (path / "run.json").write_text(json.dumps(content), encoding="utf-8")
        return path

    return write


@pytest.fixture
def make_run(write_run, tmp_path):
    """Return a function that writes a run of some rows and returns its folder."""

    def make(rows, model="net", folder=None, card=None, **facts):
        return write_run(tmp_path / (folder or f"run-{len(list(tmp_path.iterdir()))}"), rows, model, card, **facts)

    return make
