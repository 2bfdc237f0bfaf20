"""How much faster is `curate build` and `curate export sam-med3d` than preparing class by class, with equal masks?

Run as `python tests/perf/bench_curate_sam_med3d.py [OUT.md]`; about four minutes.
"""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from ct_phantom import CLASSES, SHAPE, targets, write_dataset
from measure import REPORTS, Cost, cost, deflate, inflate, median_cpu, median_wall, table

from curate import exporters, pipeline, profile, recipe
from curate.executor import Where
from curate.files import write_bytes
from curate.volume import Volume, read, to_simpleitk

SPACING_MM = 1.5
TARGET, FLOOR_TARGET = 50, 3
PUBLISHED_EVERY = 8
"""The published way is timed on every eighth class and scaled, or this would take an hour."""
OURS_EVERY = 26
SMALLEST_MM3 = 10
SPACING_ONLY = f"""\
schema = 1
name = "spacing"
description = "Nothing but {SPACING_MM} mm."
source = "tests/perf"

[[rules]]
rule = "resample"
spacing_mm = {SPACING_MM}
"""

_HEADER = """\
# Preparing a CT with {classes} structures for SAM-Med3D

One CT of {shape} voxels (int16) and its label map of {classes} structures, to {spacing} mm and one binary mask per
structure; one thread, the ways in turn. Class by class follows `prepare_data_from_nnUNet.py` of uni-medical/SAM-Med3D
(image resampled once; for each class the label map read and measured in float64, read again, resampled and written in
float32, the image copied), here with nibabel and SimpleITK where it has torchio. *Lean* reads once and stays at 8 bits.
Synthetic CT: noise and waving ellipsoids. Written by `tests/perf/bench_curate_sam_med3d.py`.

"""


def main(out: Path) -> None:
    """Prepare one CT in three ways, in turn, compare all masks and write a table."""
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        peer = _PerClass(work)
        ours: dict[str, list[Cost]] = {"spacing": [], "sa-med3d": []}
        lean, published, different = [cost(peer.resample_image)], [cost(peer.resample_image)], 0
        for value, target in enumerate(targets(), start=1):
            if value % OURS_EVERY == 1:
                for name, costs in ours.items():
                    costs.append(cost(partial(peer.curate, name)))
            lean.append(cost(partial(peer.one_class, value, target)))
            different += peer.differs(target)
            if value % PUBLISHED_EVERY == 1:
                published.append(cost(partial(peer.one_class_published, value, target)))
        floors = [peer.floor() for _ in range(3)]
    scaled = Cost(*(_scaled([getattr(one, key) for one in published]) for key in ("cpu", "wall")))
    text = _text(ours, sum(lean, Cost(0, 0)), scaled, floors, different)
    write_bytes(out, text.encode())


class _PerClass:
    """A CT with 104 structures, and the ways to turn it into one binary mask per structure."""

    def __init__(self, work: Path) -> None:
        self.work = work
        self.recipe = recipe.load(str(write_dataset(work, cases=1)))
        (work / "spacing.toml").write_text(SPACING_ONLY, encoding="utf-8")
        self.image, self.labels = (next((work / "raw" / kind).iterdir()) for kind in ("imagesTr", "labelsTr"))
        self.resampled = work / "resampled.nii.gz"
        grid = read(self.image).canonical().geometry.resampled(SPACING_MM)
        self.grid = to_simpleitk(Volume(np.zeros(grid.shape_ijk, dtype=np.uint8), grid))

    def curate(self, name: str) -> None:
        """Build and export."""
        store, out = self.work / f"store-{name}", self.work / f"out-{name}"
        shutil.rmtree(store, ignore_errors=True)
        shutil.rmtree(out, ignore_errors=True)
        chosen = profile.load(str(self.work / "spacing.toml") if name == "spacing" else name)
        pipeline.build([pipeline.Source(self.recipe, self.work / "raw")], store, chosen, Where(1))
        exporters.export(store, "sam-med3d", out)

    def resample_image(self) -> None:
        """Resample the image, once for all classes."""
        image = sitk.Cast(sitk.ReadImage(str(self.image)), sitk.sitkFloat32)
        resampled = sitk.Resample(image, self.grid, sitk.Transform(), sitk.sitkLinear, -1000.0)
        sitk.WriteImage(sitk.Cast(resampled, sitk.sitkInt16), str(self.resampled), useCompression=True)

    def one_class(self, value: int, target: str) -> None:
        """Read, threshold, measure, resample and write the mask in 8 bits, and copy the image."""
        mask = sitk.ReadImage(str(self.labels)) == value
        if np.count_nonzero(sitk.GetArrayViewFromImage(mask)) * np.prod(mask.GetSpacing()) < SMALLEST_MM3:
            return
        resampled = sitk.Resample(mask, self.grid, sitk.Transform(), sitk.sitkNearestNeighbor, 0)
        self._write(resampled, "lean", target)

    def one_class_published(self, value: int, target: str) -> None:
        """Do it with the types and passes of SAM-Med3D's script: float64 to measure, float32 to resample and write."""
        import nibabel

        image = nibabel.load(self.labels)
        voxels = image.get_fdata()
        voxels[voxels != value] = 0
        voxels[voxels != 0] = 1
        if voxels.sum() * np.prod(image.header["pixdim"][1:4]) < SMALLEST_MM3:
            return
        labels = sitk.Cast(sitk.ReadImage(str(self.labels)), sitk.sitkFloat32)
        resampled = sitk.Resample(labels, self.grid, sitk.Transform(), sitk.sitkNearestNeighbor, 0)
        inside = sitk.GetArrayFromImage(resampled)
        inside[inside == value] = -1
        inside[inside != -1] = 0
        inside[inside != 0] = 1
        mask = sitk.GetImageFromArray(inside)
        mask.CopyInformation(resampled)
        self._write(mask, "published", target)

    def differs(self, target: str) -> bool:
        """Tell whether the mask that `curate` exported differs from the one that `one_class` wrote."""
        ours = [path for path in self._exported() if path.parts[-4] == target and "labels" in path.parts[-2]]
        theirs = self._path("lean", target)
        if not ours or not theirs.exists():
            return bool(ours) or theirs.exists()
        first, second = read(ours[0]), read(theirs).canonical()
        return not (first.geometry.same_grid(second.geometry) and np.array_equal(first.voxels, second.voxels))

    def floor(self) -> Cost:
        """Time only inflating the inputs and deflating each file of the export once."""
        total = Cost(0, 0)
        for path in (self.image, self.labels):
            total += cost(partial(inflate, path))
        for path in self._exported():
            content = inflate(path)
            total += cost(partial(deflate, content, self.work / "deflated.gz"))
        return total

    def _exported(self) -> Iterator[Path]:
        """Yield each file of the export but for hard links to one that was there before."""
        seen = set()
        for path in sorted((self.work / "out-spacing").rglob("*.nii.gz")):
            if path.stat().st_ino not in seen:
                seen.add(path.stat().st_ino)
                yield path

    def _path(self, way: str, target: str) -> Path:
        return self.work / way / target / "ct_000.nii.gz"

    def _write(self, mask: sitk.Image, way: str, target: str) -> None:
        path = self._path(way, target)
        path.parent.mkdir(parents=True, exist_ok=True)
        sitk.WriteImage(mask, str(path), useCompression=True)
        shutil.copy(self.resampled, path.with_name("image.nii.gz"))


def _scaled(seconds: list[float]) -> float:
    """Return the time of all classes from that of the image and of some classes."""
    return seconds[0] + sum(seconds[1:]) * CLASSES / (len(seconds) - 1)


def _text(ours: dict[str, list[Cost]], lean: Cost, published: Cost, floors: list[Cost], different: int) -> str:
    build, sa_med3d, floor = (median_cpu(costs) for costs in (ours["spacing"], ours["sa-med3d"], floors))

    def row(name: str, n: object, cpu: float, wall: float) -> tuple[object, ...]:
        return name, n, f"{cpu:.2f}", f"{wall:.2f}", f"{cpu / build:.1f}"

    rows = [
        row("`curate build` (1.5 mm, no rules) + `export`", len(ours["spacing"]), build, median_wall(ours["spacing"])),
        row(
            "`curate build --profile sa-med3d` + `export`",
            len(ours["sa-med3d"]),
            sa_med3d,
            median_wall(ours["sa-med3d"]),
        ),
        row(
            "class by class as published",
            f"1, {CLASSES // PUBLISHED_EVERY} classes scaled",
            published.cpu,
            published.wall,
        ),
        row("class by class, lean (8 bits throughout)", f"1, {CLASSES} classes", lean.cpu, lean.wall),
        row("only inflate inputs, deflate outputs (isal)", len(floors), floor, median_wall(floors)),
    ]
    verdicts = (
        (
            published.cpu / build >= TARGET,
            f"{published.cpu / build:.0f} times faster than the published way, target {TARGET}",
        ),
        (build / floor <= FLOOR_TARGET, f"{build / floor:.1f} times the time of isal alone, target {FLOOR_TARGET}"),
    )
    lines = "".join(f"- {text}: {'met' if met else '**not met**'}.\n" for met, text in verdicts)
    header = _HEADER.format(shape=SHAPE, classes=CLASSES, spacing=SPACING_MM)
    rows_text = table(("way", "n", "CPU s", "wall s", "CPU over the first row"), rows)
    equality = f"Masks that differ from the lean way's on the same grid: {different} of {CLASSES}."
    return f"{header}{rows_text}\n{equality}\n\n{lines}"


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else REPORTS / "curate_sam_med3d.md")
