"""Whole-case evaluation with SAM-Med3D against the loop of its old validation, on one CT phantom, with equal masks.

Run as `python tests/perf/bench_whole_case.py [OUT.md]`; about eight minutes.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ct_phantom
import numpy as np
import torch
from measure import REPORTS, Cost, cost, table
from upstream_sam_med3d import Files, Place, Plausible, evaluate

from bench import suite, trial
from bench.models.sam_med3d.model import SamMed3DCrop
from bench.models.sam_med3d.one_cube import OneCubeSession
from bench.records import Prompts
from bench.suite import Unit
from curate.files import write_bytes
from curate.labelmap import BoxMask
from curate.volume import Volume, write

SHAPE, TARGETS, CLICKS, SCORED = (512, 512, 82), 15, 10, (1, 3, 5, 10)
THREADS = 1
"""Then the CPU time of the network is that of the thread that calls it."""
MEASURED = 1
"""Targets that the upstream side runs; its time for all is this many times larger, since it shares nothing."""
MASKS = 12_000
"""Of the validation set in the SAM-Med3D paper."""


@dataclass(slots=True)
class Timed:
    """A network whose CPU time is counted."""

    network: Plausible
    seconds: dict[str, float] = field(default_factory=lambda: {"encode": 0.0, "decode": 0.0})
    calls: dict[str, int] = field(default_factory=lambda: {"encode": 0, "decode": 0})

    def encode(self, *given: Any) -> Any:
        """Encode a cube."""
        return self._counted("encode", lambda: self.network.encode(*given))

    def decode(self, *given: Any) -> Any:
        """Answer points."""
        return self._counted("decode", lambda: self.network.decode(*given))

    def _counted(self, what: str, call: Callable[[], Any]) -> Any:
        start = time.thread_time()
        found = call()
        self.seconds[what] += time.thread_time() - start
        self.calls[what] += 1
        return found


class Model:
    """The variant `crop` of SAM-Med3D around a network that is already made."""

    card = SamMed3DCrop.card

    def __init__(self, network: Timed) -> None:
        """Take the network."""
        self.network = network

    def open(self, image: Volume) -> OneCubeSession:
        """Open as `sam-med3d-crop` does."""
        return OneCubeSession(self.network, image, SamMed3DCrop.defaults)


@dataclass(slots=True)
class Kept:
    """What our side answered and was shown, at the scored steps."""

    masks: dict[tuple[str, int], BoxMask] = field(default_factory=dict)
    clicks: dict[str, list[tuple[Place, int]]] = field(default_factory=dict)

    def __call__(
        self, _unit: Unit, step: int, masks: dict[str, BoxMask], prompts: dict[str, Prompts], _seed: int
    ) -> None:
        """Keep a step; the last one shows all clicks."""
        for mask_id, mask in masks.items():
            self.masks[mask_id, step] = mask
            shown = prompts[mask_id]
            places = [tuple(point) for point in shown.points_ijk.tolist()]
            self.clicks[mask_id] = list(zip(places, shown.labels.tolist(), strict=True))


def main(out: Path) -> None:
    """Measure both sides and write a Markdown report."""
    torch.set_num_threads(THREADS)
    with tempfile.TemporaryDirectory() as folder:
        unit = _written(Path(folder))
        network, kept = Timed(Plausible()), Kept()
        rows: list[dict[str, Any]] = []
        ours = cost(lambda: rows.extend(trial.evaluate(unit, suite.load("all"), Model(network), Path(folder), kept)))
        upstream, differing = _upstream(Path(folder), unit, kept)
    write_bytes(out, _report(ours, network, upstream, differing, rows).encode())


def _written(folder: Path) -> Unit:
    """Write the phantom as a store has it, and once more for each class as upstream has it."""
    case = ct_phantom.make(0, SHAPE, TARGETS)
    write(case.image, folder / "image.nii.gz")
    write(case.labels, folder / "labels.nii.gz")
    grid, masks = case.image.geometry, []
    for value, target in enumerate(ct_phantom.targets(TARGETS), start=1):
        mask = BoxMask.of(case.labels.voxels == value)
        masks.append(_mask_row(target, value, mask))
        if value <= MEASURED:
            write(Volume((case.labels.voxels == value).astype(np.uint8), grid), folder / f"label_{value}.nii.gz")
            write(case.image, folder / f"image_{value}.nii.gz")
    image = {"image_id": "ct/0", "dataset": "ct", "path": "image.nii.gz", "shape_ijk": list(SHAPE)}
    image |= {"spacing_mm": list(grid.spacing), "affine": grid.affine.ravel().tolist()}
    return Unit(image, tuple(masks), None)


def _mask_row(target: str, value: int, mask: BoxMask) -> dict[str, Any]:
    return {
        "mask_id": f"ct/0#{target}",
        "target": target,
        "kind": "organ",
        "path": "labels.nii.gz",
        "label_values": [value],
        "bbox_ijk": list(mask.box),
        "voxels": mask.count,
    }


def _upstream(folder: Path, unit: Unit, kept: Kept) -> tuple[dict[int, Cost], int]:
    """Run the first classes at every number of clicks; return what each run cost, and the most voxels that differ."""
    network, random = Plausible(padded=True), np.random.default_rng(0)
    costs: dict[int, Cost] = {}
    differing = 0
    for value, row in enumerate(unit.masks[:MEASURED], start=1):
        files = Files(folder / f"image_{value}.nii.gz", folder / f"label_{value}.nii.gz")
        for count in SCORED:
            found: list[Any] = []
            clicks = kept.clicks[row["mask_id"]][:count]
            taken = cost(
                lambda files=files, clicks=clicks, found=found: found.extend(evaluate(network, files, clicks, random))
            )
            costs[count] = costs.get(count, Cost(0, 0)) + taken
            differing = max(differing, int((found[1] != kept.masks[row["mask_id"], count].full()).sum()))
    return costs, differing


def _report(
    ours: Cost, network: Timed, upstream: dict[int, Cost], differing: int, rows: Sequence[dict[str, Any]]
) -> str:
    share = TARGETS / MEASURED
    every = sum((one for one in upstream.values()), Cost(0, 0))
    every, last = Cost(every.cpu * share, every.wall * share), Cost(upstream[10].cpu * share, upstream[10].wall * share)
    busy = sum(network.seconds.values())
    harness = ours.cpu - busy
    done = sum(row["status"] == "ok" for row in rows)
    lines = [
        ("medseen", f"{ours.cpu:.0f}", f"{ours.wall:.0f}", network.calls["encode"], "1"),
        ("upstream, four runs", f"{every.cpu:.0f}", f"{every.wall:.0f}", 4 * TARGETS, f"{every.cpu / ours.cpu:.1f}"),
        ("upstream, the run of ten", f"{last.cpu:.0f}", f"{last.wall:.0f}", TARGETS, f"{last.cpu / ours.cpu:.1f}"),
    ]
    parts = [
        (
            "encoder",
            network.calls["encode"],
            f"{network.seconds['encode']:.1f}",
            f"{network.seconds['encode'] / ours.cpu:.0%}",
        ),
        (
            "decoder",
            network.calls["decode"],
            f"{network.seconds['decode']:.1f}",
            f"{network.seconds['decode'] / ours.cpu:.0%}",
        ),
        ("all else", "", f"{harness:.1f}", f"{harness / ours.cpu:.0%}"),
    ]
    hours = ours.cpu / TARGETS * MASKS / 3600
    return (
        "# Whole-case evaluation: SAM-Med3D on one CT\n\n"
        f"A phantom of {' x '.join(map(str, SHAPE))} voxels, {TARGETS} targets, {CLICKS} clicks on each, scored after\n"
        f"{', '.join(map(str, SCORED))}; one cube around the first click of a target (`sam-med3d-crop`), the newest\n"
        f"click shown with the logits before it; float32, {THREADS} thread, load of the machine\n"
        f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores. The network runs in full with golden weights; they\n"
        "find nothing, so that each answer is made of the intensities around the click plus a thousandth of the\n"
        "network's logits, on both sides.\n\n"
        "medseen: from files on disk to rows of all metrics (`bench list metrics`), one open, one encode per cube;\n"
        f"n = 1 case, {done} of {len(rows)} rows ok, the others unsupported: a click left the cube.\n"
        "Upstream: for each target and each number of clicks, read, resample the whole image and label, encode in\n"
        "the padded form, answer, resample back, Dice alone\n"
        f"(`tests/perf/upstream_sam_med3d.py`). It was run on {MEASURED} of {TARGETS} targets and multiplied, since\n"
        f"it shares nothing between them. Masks of both sides at the same clicks differ by at most {differing} of\n"
        f"{np.prod(SHAPE)} voxels. Written by `tests/perf/bench_whole_case.py`.\n\n"
        + table(("side", "CPU s", "wall s", "encodes", "CPU, over medseen"), lines)
        + "\nWhere the CPU time of medseen goes (on a CPU the decoder takes one target at a time):\n\n"
        + table(("part", "calls", "CPU s", "share"), parts)
        + f"\nProjection for {MASKS:,} masks of this kind: {hours:.0f} CPU hours "
        f"({ours.cpu / TARGETS:.1f} CPU s a mask), of which {harness / ours.cpu * hours:.0f} are the harness.\n"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else REPORTS / "whole_case.md")
