"""Pictures a second of the 2D models with embeddings kept, against encoding for every target and click, in one run.

Run as `python tests/perf/bench_planar.py [OUT.md]`; takes about ten minutes on two cores. Where a CUDA device is
present it is measured instead of the CPU.
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from measure import REPORTS, interleaved, median_wall, ratios, table

from bench.golden import golden_weight
from bench.models.planar.network import PlanarNetwork
from bench.models.planar.options import Options
from bench.models.planar.session import PlanarSession
from bench.models.sam.golden import fill_golden
from bench.models.sam.model import SamVitB, SamVitB256
from bench.models.sam.network import unfilled_network as sam
from bench.models.sam_med2d.model import SamMed2D
from bench.models.sam_med2d.network import unfilled_network as sam_med2d
from bench.models.sam_unet.model import SamUNetRes50
from bench.models.sam_unet.network import unfilled_network as sam_unet
from bench.records import Prompts
from curate.files import write_bytes
from curate.geometry import Geometry
from curate.labelmap import BoxMask
from curate.volume import Volume

THREADS = 2
ROUNDS = 3
SIDES = ("kept", "each target", "each click")
RATIOS = ("each target / kept", "each click / kept")
TARGETS, CLICKS = 4, 2
"""Masks of a picture (SA-Med2D-20M has 4.3 on average), and clicks on each."""
PICTURES = {"cpu": 1, "cuda": 16}
CLOCKS = {"cpu": "CPU", "cuda": "Wall"}
MODELS: dict[str, tuple[Callable[[], torch.nn.Module], Options]] = {
    "sam-vit-b-256": (lambda: sam_med2d(adapters=False), SamVitB256.defaults),
    "sam-unet-res50": (lambda: sam_unet(50), SamUNetRes50.defaults),
    "sam-med2d": (sam_med2d, SamMed2D.defaults),
}
LARGE: dict[str, tuple[Callable[[], torch.nn.Module], Options]] = {"sam-vit-b": (sam, SamVitB.defaults)}
"""Takes many seconds a picture on a CPU: measured on CUDA only."""


def main(out: Path) -> None:
    """Measure every model and write a Markdown table."""
    torch.set_num_threads(THREADS)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    where = f"CPU, {THREADS} threads" if device == "cpu" else torch.cuda.get_device_name()
    columns = ("model", "pictures", "n", *(f"{side}, pictures/s" for side in SIDES), *RATIOS, "voxels that differ")
    rows = []
    for name, made in (MODELS if device == "cpu" else {**MODELS, **LARGE}).items():
        rows.append(_row(name, *made, device))
        write_bytes(out, (_text(where, CLOCKS[device]) + table(columns, rows)).encode())


def _row(name: str, make: Callable[[], torch.nn.Module], options: Options, device: str) -> tuple[object, ...]:
    network = _filled(make(), device)
    pictures = PICTURES[device]
    image = _image(pictures)
    answers: dict[str, list[BoxMask]] = {}
    calls = {side: partial(_ask, side, answers, network, image, options, device) for side in SIDES}
    costs = interleaved(calls, ROUNDS)
    speeds = [f"{pictures / median_wall(costs[side]):.2g}" for side in SIDES]
    kept, *others = (costs[side] for side in SIDES)
    differing = max(_differing(answers["kept"], answers[side]) for side in SIDES)
    most = f"{differing} of {TARGETS * image.voxels.size}"
    return name, pictures, len(kept), *speeds, *(ratios(other, kept, CLOCKS[device].lower()) for other in others), most


def _ask(
    side: str,
    answers: dict[str, list[BoxMask]],
    network: PlanarNetwork,
    image: Volume,
    options: Options,
    device: str,
) -> None:
    """Ask for all targets, click by click, and keep the last answers."""
    groups = [range(TARGETS)] if side == "kept" else [range(target, target + 1) for target in range(TARGETS)]
    chosen = options if side == "kept" else replace(options, pictures_per_batch=1)
    answers[side] = []
    for group in groups:
        session = PlanarSession(network, image, replace(chosen, cache_mb=0) if side == "each click" else chosen, device)
        for clicks in _clicks():
            masks = session.predict_many([_prompts(image, target, clicks) for target in group])
        answers[side] += masks


def _differing(one: list[BoxMask], other: list[BoxMask]) -> int:
    return sum(int((a.full() != b.full()).sum()) for a, b in zip(one, other, strict=True))


def _clicks() -> range:
    return range(1, CLICKS + 1)


def _prompts(image: Volume, target: int, clicks: int) -> Prompts:
    """Return the first clicks of a target on every slice: the first inside, the others by turns."""
    places = np.random.default_rng(target).integers(0, image.geometry.shape_ijk[0], (clicks, 2))
    points = [(x, y, k) for k in range(image.geometry.shape_ijk[2]) for x, y in places]
    labels = [n % 2 == 0 for _ in range(image.geometry.shape_ijk[2]) for n in range(clicks)]
    return Prompts(str(target), np.array(points, dtype=np.int64), np.array(labels, dtype=np.int64))


def _image(pictures: int) -> Volume:
    voxels = np.random.default_rng(0).integers(0, 256, (256, 256, pictures), dtype=np.uint8)
    return Volume(voxels, Geometry(voxels.shape, np.diag([1.0, 1.0, 5.0, 1.0])))


def _filled(network: torch.nn.Module, device: str) -> PlanarNetwork:
    fill_golden(network, golden_weight)
    return network.to(device)


def _text(where: str, clock: str) -> str:
    return (
        "# 2D models: embeddings kept against encoding anew\n\n"
        f"Slices of 256 x 256 pixels, {TARGETS} targets a slice, {CLICKS} clicks a target, each after the answer to\n"
        "the one before. Kept: one session, every slice encoded once, the targets of a slice decoded in one batch.\n"
        "Each target: every slice encoded for every target, as SAM-Med2D's evaluation script does. Each click:\n"
        "encoded at every click of every target, nothing kept, so that earlier clicks are answered again. From pixels\n"
        f"to masks, the sides in turn in one process, random weights, float32, {where}. Pictures/s: median of n\n"
        f"rounds of wall time, on a machine that others use, too. Ratios: {clock} seconds, median and range.\n"
        "Written by `tests/perf/bench_planar.py`.\n\n"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else REPORTS / "planar.md")
