"""How fast is the Dice of 104 classes on 512 x 512 x 200 voxels, against loops over the classes.

Run as `python tests/perf/bench_metrics_overlap.py`; it rewrites `reports/perf/metrics_overlap.md`.
"""

from collections.abc import Callable

import numpy as np
from ct_phantom import CLASSES, SHAPE, make
from measure import REPORTS, Cost, cost, median_cpu, ratios, table
from numpy.typing import NDArray

from bench.metrics.histogram import joint_histogram
from bench.metrics.overlap import dice

Labels = NDArray[np.uint8]
ROUNDS = 4
VALUES = range(1, CLASSES + 1)

HEADER = f"""\
# Overlap of all classes: time against loops

Two label maps of {SHAPE[0]} x {SHAPE[1]} x {SHAPE[2]} voxels with {CLASSES} classes, uint8, in memory in C order; the
second is the first, shifted by one voxel along i and j. Every way gives the Dice of each class, equal to 1e-12. Ours
also has what IoU, precision, recall and volume errors need, and which classes are taken for which. The ways took turns,
after one call of the two that are no loops which was not measured;
CPU time, n = {ROUNDS}. Ratio: median of theirs over ours, with its range.

"""


def maps() -> tuple[Labels, Labels]:
    """Return reference and prediction."""
    labels = np.ascontiguousarray(make().labels.voxels)
    return labels, np.roll(labels, (1, 1), (0, 1))


def ours(reference: Labels, prediction: Labels) -> list[float]:
    """Return the Dice of each class from one joint histogram."""
    counts = joint_histogram(reference, prediction).each(VALUES)
    return [dice(counts[value]) for value in VALUES]


def loop(reference: Labels, prediction: Labels, count: Callable[[NDArray[np.bool_]], int]) -> list[float]:
    """Return the Dice of each class from masks of the whole grid, whose voxels `count` counts."""
    found = []
    for value in VALUES:
        first, second = reference == value, prediction == value
        found.append(2 * count(first & second) / (count(first) + count(second)))
    return found


def confusion(reference: Labels, prediction: Labels) -> list[float]:
    """Return the Dice of each class from numpy's histogram of one code per voxel."""
    width = CLASSES + 1
    codes = reference.ravel().astype(np.int64) * width + prediction.ravel()
    pairs = np.bincount(codes, minlength=width * width).reshape(width, width)
    sums = pairs.sum(axis=0) + pairs.sum(axis=1)
    return [2 * pairs[value, value] / sums[value] for value in VALUES]


def main() -> None:
    """Compare all ways and write the table."""
    pair = maps()
    ways: dict[str, Callable[[], list[float]]] = {
        "ours": lambda: ours(*pair),
        "loop over classes, `(a & b).sum()`": lambda: loop(*pair, lambda mask: int(mask.sum())),
        "loop over classes, `np.count_nonzero`": lambda: loop(*pair, np.count_nonzero),
        "`np.bincount` of one code per voxel": lambda: confusion(*pair),
    }
    found: dict[str, list[float]] = {}
    costs: dict[str, list[Cost]] = {name: [] for name in ways}
    ours(*pair)
    confusion(*pair)
    for _ in range(ROUNDS):
        for name, way in ways.items():
            costs[name].append(cost(lambda name=name, way=way: found.update({name: way()})))
            np.testing.assert_allclose(found[name], found["ours"], rtol=0, atol=1e-12, err_msg=name)
    rows = [
        (name, f"{median_cpu(taken):.3f}", "" if name == "ours" else ratios(taken, costs["ours"]))
        for name, taken in costs.items()
    ]
    REPORTS.mkdir(parents=True, exist_ok=True)
    report = HEADER + table(("way", "CPU seconds", "ratio"), rows)
    (REPORTS / "metrics_overlap.md").write_text(report, encoding="utf-8")


if __name__ == "__main__":
    main()
