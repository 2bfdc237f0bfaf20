"""How fast is the next click, against the same definitions in SciPy on whole arrays.

Run as `python tests/perf/bench_clicks.py`; it rewrites `reports/perf/clicks.md`.
"""

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench import protocols
from bench.protocols.key import Key
from bench.records import Prompts
from curate.labelmap import BoxMask

Mask = NDArray[np.bool_]
Click = tuple[int, int, int]

SIDE = 128
"""Voxels along each side of the grid."""
PAIRS = 5
"""Pairs of masks; every figure is over all of them."""

HEADER = """\
# Time to the next click, on 128^3 voxels

Reference and prediction are two overlapping ellipsoids of about 1 % of a cubic grid, moved against each other, with
specks; one thread. *SciPy* is the way that is usually written: label, count and transform the whole array (`label` with
26 neighbours, `bincount`, `distance_transform_edt`, `argwhere`). Ours gets both masks as the runner has them, as boxes;
*from arrays* adds the search of both boxes. Both sides draw from the same generator, and every click is equal.
Ratio: SciPy's CPU time over ours in the same run; the median over the pairs, and the range.

| protocol | clicks compared | ratio from boxes | range | ratio from arrays | range |
|---|---|---|---|---|---|"""


def ellipsoid(side: int, centre: NDArray[np.float64], radii: NDArray[np.float64]) -> Mask:
    """Draw an ellipsoid."""
    axes = np.ogrid[tuple(slice(0, side) for _ in range(3))]
    return sum(((x - c) / r) ** 2 for x, c, r in zip(axes, centre, radii, strict=True)) <= 1


def pair(side: int, number: int) -> tuple[Mask, Mask]:
    """Draw a reference, and a prediction that is off by some voxels and has specks nearby."""
    rng = np.random.default_rng(number)
    centre, radii = rng.uniform(0.35, 0.65, 3) * side, rng.uniform(0.1, 0.16, 3) * side
    reference = ellipsoid(side, centre, radii)
    prediction = ellipsoid(side, centre + rng.normal(0, 0.03, 3) * side, radii * rng.uniform(0.8, 1.2, 3))
    specks = rng.integers(-int(0.1 * side), int(0.1 * side), (20, 3)) + centre.astype(int)
    prediction[tuple(specks.T)] ^= True
    return reference, prediction


def one_of(allowed: Mask, key: Key) -> Click:
    """Draw one voxel."""
    candidates = np.argwhere(allowed)
    i, j, k = candidates[key.generator().integers(len(candidates))].tolist()
    return i, j, k


def scipy_random(reference: Mask, prediction: Mask, key: Key) -> Click:
    """Click anywhere in the error."""
    return one_of(reference != prediction, key)


def scipy_deepest(reference: Mask, prediction: Mask, key: Key) -> Click:
    """Click the deepest voxel of the largest component of the error."""
    from scipy import ndimage

    labels, _ = ndimage.label(reference != prediction, np.ones((3, 3, 3)))
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    depth = ndimage.distance_transform_edt(labels == sizes.argmax())
    return one_of(depth == depth.max(), key)


def scipy_half(reference: Mask, prediction: Mask, key: Key) -> Click:
    """Click deeper than half of the deeper side of the error."""
    from scipy import ndimage

    missed, excess = (ndimage.distance_transform_edt(m) for m in (reference & ~prediction, prediction & ~reference))
    side = missed if missed.max() > excess.max() else excess
    return one_of(side > side.max() / 2, key)


THEIRS: dict[str, Callable[[Mask, Mask, Key], Click]] = {
    "random-error": scipy_random,
    "edt-largest": scipy_deepest,
    "ritm": scipy_half,
}


def cpu_seconds(call: Callable[[], object], repeats: int) -> float:
    """Return the median CPU time of a call, which other work on the machine disturbs less than wall time."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return statistics.median(times)


def ratios(name: str, reference: Mask, prediction: Mask, number: int) -> tuple[float, float]:
    """Time one pair both ways, check that they click the same, and return both ratios."""
    protocol = protocols.load(name, 1, {})
    key = Key(name, 1, "d", f"d/{number}", "liver", 2)
    boxes = BoxMask.of(reference), BoxMask.of(prediction)
    ours = tuple(protocol.prompt(*boxes, Prompts("x"), key).points_ijk[0].tolist())
    theirs = THEIRS[name](reference, prediction, key)
    assert ours == theirs, f"{name}, pair {number}: {ours} != {theirs}"
    slow = cpu_seconds(lambda: THEIRS[name](reference, prediction, key), 3)
    fast = cpu_seconds(lambda: protocol.prompt(*boxes, Prompts("x"), key), 9)
    whole = cpu_seconds(lambda: protocol.prompt(BoxMask.of(reference), BoxMask.of(prediction), Prompts("x"), key), 5)
    return slow / fast, slow / whole


def row(name: str) -> str:
    """Measure one protocol."""
    found = [ratios(name, *pair(SIDE, number), number) for number in range(PAIRS)]
    cells = [f"{statistics.median(one):.0f} | {min(one):.0f} to {max(one):.0f}" for one in zip(*found, strict=True)]
    return f"| `{name}` | {PAIRS} of {PAIRS} equal | {cells[0]} | {cells[1]} |"


def main() -> None:
    """Measure, and write the report."""
    lines = [row(name) for name in THEIRS]
    report = Path(__file__).resolve().parents[2] / "reports/perf/clicks.md"
    report.write_text("\n".join([HEADER, *lines, ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
