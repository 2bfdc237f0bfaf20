"""What each network costs on one phantom case, against encoding anew for every target and click, in one run.

Run as `python tests/perf/bench_models.py [OUT.md] [MODEL...]`; takes about ten minutes on two idle cores. Where a CUDA
device is present it is measured instead of the CPU.
"""

import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import ct_phantom
import numpy as np
import torch
from measure import REPORTS, cost, peak_bytes, table

from bench.golden import golden_weight
from bench.models.base import Session
from bench.models.planar.session import PlanarSession
from bench.models.sam.golden import fill_golden
from bench.models.sam.model import SamVitB
from bench.models.sam.network import unfilled_network as sam
from bench.models.sam_med2d.model import SamMed2D
from bench.models.sam_med2d.network import unfilled_network as sam_med2d
from bench.models.sam_med3d.inference import PaperSession
from bench.models.sam_med3d.network import unfilled_network as sam_med3d
from bench.models.sam_med3d.one_cube import OneCubeSession
from bench.models.sam_med3d.options import CROP, NATIVE, PAPER
from bench.models.sam_unet.model import SamUNetRes34
from bench.models.sam_unet.network import unfilled_network as sam_unet
from bench.records import Prompts
from curate.files import write_bytes
from curate.geometry import Geometry
from curate.volume import Volume

THREADS, TARGETS, CLICKS = 2, 3, 3
SLICES = {256: 2, 1024: 1}
"""Slices that hold the targets, by the side of the square that a 2D network sees."""


@dataclass(frozen=True, slots=True)
class Kind:
    """How a network is made, and opened on an image."""

    make: Callable[[], Any]
    open: Callable[[Any, Volume], Session]
    flat: bool = True


def _cubes(session: type, options: Any) -> Kind:
    return Kind(sam_med3d, lambda network, image: session(network, image, options), flat=False)


def _slices(make: Callable[[], Any], options: Any) -> Kind:
    return Kind(make, lambda network, image: PlanarSession(network, image, options, _device()))


KINDS = {
    "sam-med3d-crop": _cubes(OneCubeSession, CROP),
    "sam-med3d-native": _cubes(OneCubeSession, NATIVE),
    "sam-med3d, one window": _cubes(PaperSession, CROP),
    "sam-med3d, up to eight windows": _cubes(PaperSession, PAPER),
    "sam-med2d": _slices(sam_med2d, SamMed2D.defaults),
    "sam-unet-res34": _slices(partial(sam_unet, 34), SamUNetRes34.defaults),
    "sam-unet-res50": _slices(partial(sam_unet, 50), SamUNetRes34.defaults),
    "sam-vit-b": _slices(sam, SamVitB.defaults),
}
PEAK = "import bench_models as b, sys; print(b.peak(sys.argv[1]))"


@dataclass(slots=True)
class Timed:
    """A network that counts its calls and their wall time."""

    network: Any
    seconds: dict[str, list[float]] = field(default_factory=lambda: {"encode": [], "decode": []})
    pictures: int = 0

    @property
    def side(self) -> int:
        """Of the square that a 2D network sees."""
        return int(self.network.side)

    def encode(self, given: torch.Tensor) -> Any:
        """Encode pictures, or a cube."""
        self.pictures += len(given)
        return self._timed("encode", partial(self.network.encode, given))

    def decode(self, *given: Any, **options: Any) -> Any:
        """Answer prompts."""
        return self._timed("decode", partial(self.network.decode, *given, **options))

    def _timed(self, what: str, call: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        found = call()
        if _device() != "cpu":
            torch.cuda.synchronize()
        self.seconds[what].append(time.perf_counter() - start)
        return found


def main(out: Path, names: Sequence[str]) -> None:
    """Measure each kind; the report grows row by row."""
    torch.set_num_threads(THREADS)
    rows = []
    for name in names:
        rows.append(_row(name, KINDS[name]))
        write_bytes(out, _report(rows).encode())


def peak(name: str) -> int:
    """Return the peak memory of this process after one case, its network included."""
    torch.set_num_threads(THREADS)
    network = Timed(_filled(KINDS[name]))
    _kept(KINDS[name], network, _image(KINDS[name], network))
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def _row(name: str, kind: Kind) -> tuple[object, ...]:
    made = _filled(kind)
    image = _image(kind, made)
    kept, anew = Timed(made), Timed(made)
    _kept(kind, Timed(made), image) if _device() != "cpu" else None  # the first call on a GPU compiles its kernels
    ours, theirs = cost(lambda: _kept(kind, kept, image)), cost(lambda: _anew(kind, anew, image))
    steps = CLICKS * TARGETS
    rates = [f"{kept.pictures / one.wall:.2g}" if kind.flat else "-" for one in (ours, theirs)]
    memory = peak_bytes(f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); {PEAK}", name)
    return (
        name,
        " x ".join(map(str, image.voxels.shape)),
        f"{sum(kept.seconds['encode']) / kept.pictures:.2f}",
        f"{(ours.wall - sum(kept.seconds['encode'])) / steps:.2f}",
        f"{kept.pictures} / {anew.pictures}",
        f"{ours.cpu:.1f}",
        f"{theirs.cpu:.1f}",
        f"{theirs.cpu / ours.cpu:.1f}",
        *rates,
        f"{memory / 1e6:.0f}",
    )


def _kept(kind: Kind, network: Timed, image: Volume) -> None:
    """Open once; all targets in one call, click by click."""
    session = kind.open(network, image)
    for clicks in range(1, CLICKS + 1):
        session.predict_many([_prompts(image, target, clicks) for target in range(TARGETS)])  # type: ignore[attr-defined]


def _anew(kind: Kind, network: Timed, image: Volume) -> None:
    """Open for every target and every number of clicks, as published loops do."""
    for target in range(TARGETS):
        for clicks in range(1, CLICKS + 1):
            kind.open(network, image).predict(_prompts(image, target, clicks))


def _prompts(image: Volume, target: int, clicks: int) -> Prompts:
    """Return clicks near a place of the target's own: in a volume one at a time, else as many on every slice."""
    i, j, k = image.geometry.shape_ijk
    centre = np.array([i, j]) // 2 + 8 * (target - 1)
    places = [(*(centre + 5 * n), k // 2) for n in range(clicks)]
    if k <= max(SLICES.values()):
        places = [(*(centre + 5 * n), number) for number in range(k) for n in range(clicks)]
    return Prompts(str(target), np.array(places, dtype=np.int64), np.ones(len(places), dtype=np.int64))


def _image(kind: Kind, network: Any) -> Volume:
    if not kind.flat:
        return ct_phantom.make(0, (256, 256, 80), TARGETS).image
    slices = SLICES[network.side]
    voxels = np.random.default_rng(0).integers(0, 256, (256, 256, slices), dtype=np.uint8)
    return Volume(voxels, Geometry(voxels.shape, np.diag([1.0, 1.0, 5.0, 1.0])))


def _filled(kind: Kind) -> Any:
    network = kind.make()
    fill_golden(network, golden_weight)
    return network.to(_device())


def _device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def _report(rows: Sequence[Sequence[object]]) -> str:
    where = f"{THREADS} threads of {os.cpu_count()} cores" if _device() == "cpu" else torch.cuda.get_device_name()
    columns = ("model", "image", "s to encode one", "s a prompt step", "encoded: kept / anew", "kept, CPU s")
    columns += ("anew, CPU s", "anew / kept", "images/s kept", "images/s anew", "peak MB")
    return (
        "# What the networks cost on one case\n\n"
        f"{TARGETS} targets, {CLICKS} clicks on each, from voxels to masks; golden weights, float32, {where}; n = 1,\n"
        f"load of the machine {os.getloadavg()[0]:.1f}. Kept: one session, targets together, embeddings kept. Anew: a\n"
        "session for each target and each number of clicks, as published loops do; the encoder is the same on both\n"
        "sides. Encoding one: a cube of 128^3 voxels or a slice, wall time. A prompt step: of one target, on all its\n"
        "slices. Images/s: slices of a whole case. Peak: of a process that runs the case once, network included.\n"
        "Golden weights find noise, so that the paper's windows are extended as often as they may be. Written by\n"
        "`tests/perf/bench_models.py`.\n\n" + table(columns, rows)
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else REPORTS / "models.md", sys.argv[2:] or list(KINDS))
