"""How fast are all scores of one mask, against MONAI and MedPy, on masks of a CT of 512 x 512 x 200 voxels.

Run as `python tests/perf/bench_surface.py`; it rewrites `reports/perf/surface_metrics.md`.
"""

import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.metrics import score
from curate.geometry import Geometry
from curate.labelmap import BoxMask, bounding_box

Mask = NDArray[np.bool_]

SHAPE = (512, 512, 200)
SPACING = (0.8, 0.8, 2.0)
GRID = Geometry(SHAPE, np.diag([*SPACING, 1.0]))
TOLERANCE_MM = 2.0
DIAGONAL_MM = float(np.linalg.norm(SPACING))

HEADER = f"""\
# Surface metrics: time against other libraries

Masks on a grid of {SHAPE[0]} x {SHAPE[1]} x {SHAPE[2]} voxels, spacing {SPACING} mm, tolerance {TOLERANCE_MM:g} mm,
one thread. Ratio: median CPU time of the peer's one metric over that of `score`, which computes all six; above 1,
`score` is faster. *From boxes* is what a run pays; *from grids* adds the search of both bounding boxes. MONAI crops by
itself. MedPy does not, so it is timed on the full grid, and on a crop that is made beforehand and not timed.

NSD must agree to 1e-5. HD95 has another definition in each library, so there the difference is only asserted to be
below a voxel diagonal ({DIAGONAL_MM:.2f} mm).

| case | reference voxels | peer | n (ours / peer) | ratio from grids | ratio from boxes | difference |
|---|---|---|---|---|---|---|"""


@dataclass(frozen=True, slots=True)
class Peer:
    """One metric of another library; the difference to ours that its definition allows."""

    name: str
    metric: str
    call: Callable[[Mask, Mask], float]
    repeats: int
    allowed: float
    crop: bool = False


def ellipsoid(centre_ijk: tuple[float, ...], radii_mm: tuple[float, ...]) -> Mask:
    """Draw an ellipsoid on the CT's grid."""
    axes = np.ogrid[tuple(slice(0, n) for n in SHAPE)]
    terms = zip(axes, centre_ijk, SPACING, radii_mm, strict=True)
    return sum(((x - c) * s / r) ** 2 for x, c, s, r in terms) <= 1


def cases() -> dict[str, tuple[Mask, Mask]]:
    """Return reference and prediction of each case."""
    large = ellipsoid((200, 250, 100), (70, 62, 61)), ellipsoid((202, 249, 100), (72, 60, 62))
    small = ellipsoid((300, 210, 90), (20, 16, 14)), ellipsoid((301, 211, 90), (19, 17, 14))
    stray = small[1].copy()
    stray[20, 480, 10] = True
    return {"large organ": large, "small organ": small, "small organ, one stray voxel": (small[0], stray)}


def monai_nsd(reference: Mask, prediction: Mask) -> float:
    """Return MONAI's NSD with surfels."""
    import torch
    from monai.metrics import compute_surface_dice

    tensors = [torch.from_numpy(mask[None, None]) for mask in (prediction, reference)]
    options = {"include_background": True, "spacing": SPACING, "use_subvoxels": True}
    return float(compute_surface_dice(*tensors, class_thresholds=[TOLERANCE_MM], **options))


def monai_hd95(reference: Mask, prediction: Mask) -> float:
    """Return MONAI's HD95: larger directed percentile of surface voxels."""
    import torch
    from monai.metrics import compute_hausdorff_distance

    tensors = [torch.from_numpy(mask[None, None]) for mask in (prediction, reference)]
    return float(compute_hausdorff_distance(*tensors, include_background=True, percentile=95, spacing=SPACING))


def medpy_hd95(reference: Mask, prediction: Mask) -> float:
    """Return MedPy's HD95: percentile of the pooled distances of surface voxels."""
    from medpy.metric.binary import hd95

    return float(hd95(prediction, reference, voxelspacing=SPACING))


def cropped(reference: Mask, prediction: Mask) -> tuple[Mask, Mask]:
    """Cut both masks to the box around them and one voxel more."""
    box = bounding_box(reference | prediction)
    near = tuple(slice(max(0, box[n] - 1), box[n + 3] + 1) for n in range(3))
    return reference[near], prediction[near]


PEERS = (
    Peer("MONAI, NSD alone", "nsd", monai_nsd, 3, 1e-5),
    Peer("MONAI, HD95 alone", "hd95_mm", monai_hd95, 3, DIAGONAL_MM),
    Peer("MedPy, HD95 alone", "hd95_mm", medpy_hd95, 1, DIAGONAL_MM),
    Peer("MedPy, HD95 alone, cropped", "hd95_mm", medpy_hd95, 3, DIAGONAL_MM, crop=True),
)


def seconds(call: Callable[[], object], repeats: int) -> float:
    """Return the median CPU time of a call, which other work on the machine disturbs less than wall time."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return statistics.median(times)


def rows(case: str, reference: Mask, prediction: Mask, repeats: int) -> list[str]:
    """Time one case by all libraries, and check that they agree as far as their definitions do."""
    boxes = BoxMask.of(reference), BoxMask.of(prediction)
    ours = score(*boxes, GRID, TOLERANCE_MM)
    from_boxes = seconds(lambda: score(*boxes, GRID, TOLERANCE_MM), repeats)
    from_grids = seconds(
        lambda: score(BoxMask.of(reference), BoxMask.of(prediction), GRID, TOLERANCE_MM),
        repeats,
    )
    lines = []
    for peer in PEERS:
        masks = cropped(reference, prediction) if peer.crop else (reference, prediction)
        difference = abs(peer.call(*masks) - float(ours[peer.metric]))
        assert difference <= peer.allowed, f"{peer.name}: {difference} > {peer.allowed}"
        theirs = seconds(partial(peer.call, *masks), peer.repeats)
        ratios = f"{'' if peer.crop else format(theirs / from_grids, '.1f')} | {theirs / from_boxes:.1f}"
        voxels = np.count_nonzero(reference)
        lines.append(f"| {case} | {voxels} | {peer.name} | {repeats} / {peer.repeats} | {ratios} | {difference:.1e} |")
    return lines


def main(out: Path, repeats: int = 7) -> None:
    """Compare on every case and write a Markdown table to `out`."""
    import torch

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    lines = [HEADER]
    for case, (reference, prediction) in cases().items():
        lines += rows(case, reference, prediction, repeats)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(__file__).resolve().parents[2] / "reports" / "perf" / "surface_metrics.md")
