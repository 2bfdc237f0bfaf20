"""How fast are NSD and HD95 of one organ, and of 104 classes, against surface-distance and MONAI.

Run as `python tests/perf/bench_metrics_surface.py`; it rewrites `reports/perf/metrics_surface.md`. A number N after it
compares with surface-distance, which takes minutes for 104 classes, on every N-th class only. It needs that package:
`pip install surface-distance==0.1`.
"""

import sys
import warnings
from collections.abc import Callable
from functools import cache, partial

import numpy as np
from ct_phantom import CLASSES, SHAPE, make
from measure import REPORTS, cost, interleaved, median_cpu, ratios, table
from numpy.typing import NDArray

from bench.metrics import score, score_labels
from curate.geometry import Geometry
from curate.labelmap import BoxMask

Mask = NDArray[np.bool_]
Pair = tuple[float, float]
"""NSD and HD95."""

SPACING = (0.8, 0.8, 2.0)
GRID = Geometry(SHAPE, np.diag([*SPACING, 1.0]))
TOLERANCE_MM = 2.0
SOME = tuple(range(1, CLASSES + 1, 13))
"""The classes that MONAI, which takes minutes for all, is compared on."""

HEADER = f"""\
# NSD and HD95: time against surface-distance and MONAI

Grid of {SHAPE[0]} x {SHAPE[1]} x {SHAPE[2]} voxels in C order, spacing {SPACING} mm, tolerance {TOLERANCE_MM:g} mm,
one thread asked of each library. CPU time; ours and one peer took turns after one round that was not measured (classes:
one round in all, measured). Ratio: median of theirs over ours, with its range. Both sides start from two arrays of the
whole grid (label maps for the classes), except *from boxes*, where masks come as a run holds them, each with its box.
All three crop to a box around both masks. Ours computes all six metrics of a row, theirs NSD and HD95.

NSD of all three and HD95 of surface-distance must equal ours to 1e-5; MONAI's HD95 has another definition (surface
voxels instead of areas), so only its NSD is compared. Difference: the largest of those that must agree.

"""


def google(reference: Mask, prediction: Mask) -> Pair:
    """Return NSD and HD95 of surface-distance."""
    import surface_distance as peer

    found = peer.compute_surface_distances(reference, prediction, SPACING)
    nsd = peer.compute_surface_dice_at_tolerance(found, TOLERANCE_MM)
    return float(nsd), float(peer.compute_robust_hausdorff(found, 95))


def monai(reference: Mask, prediction: Mask) -> Pair:
    """Return NSD with surfels, and HD95, of MONAI."""
    import torch
    from monai.metrics import compute_hausdorff_distance, compute_surface_dice

    tensors = [torch.from_numpy(mask[None, None]) for mask in (prediction, reference)]
    options = {"include_background": True, "spacing": SPACING}
    nsd = compute_surface_dice(*tensors, class_thresholds=[TOLERANCE_MM], use_subvoxels=True, **options)
    return float(nsd), float(compute_hausdorff_distance(*tensors, percentile=95, **options))


def ours(reference: BoxMask, prediction: BoxMask) -> Pair:
    """Return NSD and HD95 of a whole row of scores."""
    found = score(reference, prediction, GRID, TOLERANCE_MM)
    return float(found["nsd"]), float(found["hd95_mm"])


def from_grids(reference: Mask, prediction: Mask) -> Pair:
    """Do the same, with the search of both boxes."""
    return ours(BoxMask.of(reference), BoxMask.of(prediction))


def ellipsoid(centre_ijk: tuple[float, ...], radii_mm: tuple[float, ...]) -> Mask:
    """Draw an ellipsoid on the CT's grid."""
    axes = np.ogrid[tuple(slice(0, n) for n in SHAPE)]
    return sum(((x - c) * s / r) ** 2 for x, c, s, r in zip(axes, centre_ijk, SPACING, radii_mm, strict=True)) <= 1


def difference(theirs: Pair, own: Pair, *, hd95: bool) -> float:
    """Return the largest difference of what must agree, and insist that it does."""
    apart = max(abs(a - b) for a, b in zip(theirs[: 1 + hd95], own, strict=False))
    if apart > 1e-5:
        raise ValueError(f"results differ by {apart}: {theirs} is not {own}")
    return apart


def organ(name: str, reference: Mask, prediction: Mask, rounds: int) -> list[tuple[str, ...]]:
    """Compare on one organ."""
    boxes = BoxMask.of(reference), BoxMask.of(prediction)
    own, lines = ours(*boxes), []
    for peer, call in (("surface-distance", google), ("MONAI", monai)):
        ways: dict[str, Callable[[], Pair]] = {
            "from grids": partial(from_grids, reference, prediction),
            "from boxes": partial(ours, *boxes),
            peer: partial(call, reference, prediction),
        }
        costs = interleaved(dict(ways), rounds)
        apart = difference(ways[peer](), own, hd95=peer == "surface-distance")
        for start in ("from grids", "from boxes"):
            seconds = f"{median_cpu(costs[start]):.3f} / {median_cpu(costs[peer]):.3f}"
            ratio = ratios(costs[peer], costs[start])
            lines.append((name, peer, start, str(boxes[0].count), seconds, str(rounds), ratio, f"{apart:.1e}"))
    return lines


@cache
def label_maps() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return a reference with all classes and, as prediction, the same shifted by one voxel along i and j."""
    reference = np.ascontiguousarray(make().labels.voxels)
    return reference, np.roll(reference, (1, 1), (0, 1))


def classes(peer: str, call: Callable[[Mask, Mask], Pair], values: tuple[int, ...]) -> tuple[str, ...]:
    """Compare on label maps, class by class for the peer, all at once for ours."""
    reference, prediction = label_maps()
    found: dict[str, dict[int, Pair]] = {}

    def all_at_once() -> None:
        rows = score_labels(reference, prediction, values, GRID, TOLERANCE_MM)
        found["ours"] = {value: (float(row["nsd"]), float(row["hd95_mm"])) for value, row in rows.items()}

    def one_by_one() -> None:
        found["theirs"] = {value: call(reference == value, prediction == value) for value in values}

    own, theirs = cost(all_at_once).cpu, cost(one_by_one).cpu
    hd95 = peer == "surface-distance"
    apart = max(difference(found["theirs"][value], found["ours"][value], hd95=hd95) for value in values)
    seconds = f"{own:.1f} / {theirs:.1f}"
    voxels = str(np.count_nonzero(np.isin(reference, values)))
    name = f"{len(values)} classes"
    return (name, peer, "from grids", voxels, seconds, "1", f"{theirs / own:.2f}", f"{apart:.1e}")


def main(every: int = 1) -> None:
    """Compare on every case, with surface-distance on every `every`-th class, and write the table."""
    import torch

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    rows = [
        *organ("large organ", ellipsoid((200, 250, 100), (70, 62, 61)), ellipsoid((202, 249, 100), (72, 60, 62)), 5),
        *organ("small organ", ellipsoid((300, 210, 90), (20, 16, 14)), ellipsoid((301, 211, 90), (19, 17, 14)), 9),
        classes("MONAI", monai, SOME),
        classes("surface-distance", google, tuple(range(1, CLASSES + 1, every))),
    ]
    columns = (
        "case",
        "peer",
        "ours starts",
        "reference voxels",
        "CPU seconds, ours / peer",
        "n",
        "ratio",
        "difference",
    )
    REPORTS.mkdir(parents=True, exist_ok=True)
    (REPORTS / "metrics_surface.md").write_text(HEADER + table(columns, rows), encoding="utf-8")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
