"""One case, from its source files to its files and rows in the store."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np

from curate import harmonise, image_files, readers, rows, rules, structures
from curate.errors import ReadError
from curate.geometry import Geometry
from curate.labelmap import pack
from curate.masks import Absent, Mask, UnknownValue, integers, read_masks
from curate.profile import Profile
from curate.readers.header import Header
from curate.recipe import LabelFiles, Recipe
from curate.rejections import Rejection, Stage
from curate.scan import Case, ImageFile, LabelFile, annotates
from curate.volume import Volume, write

MOST_UNKNOWN_VALUES = 20
"""Unknown values of one label file that get a row each."""


@dataclass(slots=True)
class Piece:
    """What one case adds to the store."""

    images: list[dict[str, Any]] = field(default_factory=list)
    masks: list[dict[str, Any]] = field(default_factory=list)
    rejections: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    """Path relative to the store -> SHA-256."""


@dataclass(slots=True, eq=False)
class OpenImage:
    """An image on its way: the header first, the voxels only while they are written."""

    file: ImageFile
    image_id: str
    header: Header
    grid: Geometry
    """Canonical grid of the source."""
    labels: list[LabelFile] = field(default_factory=list)
    masks: list[Mask] = field(default_factory=list)
    absent: list[Absent] = field(default_factory=list)


def build(case: Case, recipe: Recipe, profile: Profile, raw: Path, store: Path) -> Piece:
    """Read, check, harmonise, clean and store one case; whatever cannot be used becomes a rejection.

    Args:
        case: Its files, from `curate.scan.find`.
        recipe: What the files mean.
        profile: How they are harmonised and cleaned.
        raw: Root of the source tree.
        store: Root of the store; images and label maps are written under it.

    Returns:
        The rows and the files of this case. The same source gives the same bytes.
    """
    worker = CaseBuilder(case, recipe, profile, raw, store)
    images = worker.open_images()
    worker.read_labels(images)
    images = [image for image in images if worker.has_labels(image) and worker.store_image(image)]
    for group in _groups(images):
        worker.store_masks(group, whole_case=len(group) == len(images))
    return worker.piece


class CaseBuilder:
    """The steps of `build`, which share the case and the piece that grows."""

    def __init__(self, case: Case, recipe: Recipe, profile: Profile, raw: Path, store: Path) -> None:
        self.case, self.recipe, self.profile, self.raw, self.store = case, recipe, profile, raw, store
        self.piece = Piece()
        self._stored_grids: dict[str, Geometry] = {}

    def open_images(self) -> list[OpenImage]:
        """Read the headers of the case's images; those that cannot be used become rejections."""
        images = []
        for file in self.case.images:
            image_id = rows.image_id(self.recipe, self.case, file)
            try:
                header = image_files.header(self.raw / file.path, self.recipe.images[file.entry])
            except ReadError as error:
                self.reject("check", error.code, str(error), image_id=image_id, source_path=file.path)
                continue
            grid = header.geometry if header.unit == "pixel" else header.geometry.canonical()
            if self.profile.needs_volume and (grid.unit == "pixel" or grid.is_2d):
                detail = f"profile {self.profile.name} works in mm on volumes; this is {header.geometry}"
                self.reject("check", "profile_needs_volume", detail, image_id=image_id, source_path=file.path)
                continue
            images.append(OpenImage(file, image_id, header, grid))
        return images

    def read_labels(self, images: list[OpenImage]) -> None:
        """Read every label file once and give its masks to each image on its grid."""
        for files in _parts(self.case.labels, self.recipe):
            entry = self.recipe.labels[files[0].entry]
            wanted = [image for image in images if annotates(entry, self.recipe.images[image.file.entry])]
            if not wanted:
                self._reject_each(files, "check", "image_rejected", "its image was rejected; see that row")
                continue
            if entry.is_dicom:
                for image in wanted:
                    self._read_dicom(image, files, entry)
                continue
            try:
                grid, found = self._read(files, entry)
            except ReadError as error:
                self._reject_each(files, "label", error.code, str(error))
                continue
            self._reject_unknown(files, [item for item in found if isinstance(item, UnknownValue)])
            for image in wanted:
                self._give(image, files, grid, found)

    def _read(self, files: list[LabelFile], entry: LabelFiles) -> tuple[Geometry, list[Any]]:
        """Read what one label file says, or the files that hold the parts of one mask."""
        volumes = [readers.read(self.raw / file.path).canonical() for file in files]
        grid = volumes[0].geometry
        if not all(volume.geometry.same_grid(grid) for volume in volumes):
            raise ReadError("grid_mismatch", f"{files[0].path}: the parts of this mask lie on different grids")
        parts = [integers(volume, file.path) for volume, file in zip(volumes, files, strict=True)]
        found = list(read_masks(reduce(np.maximum, parts), entry, files[0].name, files[0].path))
        if len(files) > 1:
            names = "+".join(str(file.name) for file in files)
            found = [replace(item, source_label=names) if isinstance(item, Mask) else item for item in found]
        return grid, found

    def _read_dicom(self, image: OpenImage, files: list[LabelFile], entry: LabelFiles) -> None:
        """Read a SEG or RTSTRUCT on the grid of one image."""
        where = {"image_id": image.image_id}
        path = files[0].path
        try:
            found = list(structures.read(self.raw / path, entry, image.header.geometry, path))
        except ReadError as error:
            self._reject_each(files, "label", error.code, str(error), **where)
            return
        for item in found:
            if isinstance(item, structures.Unnamed):
                detail = f"no pattern of the recipe takes structure number {item.number}; add one, or leave it out"
                self._reject_each(files, "label", "unknown_label_name", detail, measured=float(item.number), **where)
        self._give(image, files, image.grid, [one for one in found if not isinstance(one, structures.Unnamed)])

    def _reject_unknown(self, files: list[LabelFile], values: list[UnknownValue]) -> None:
        """Add a row per unknown value; an image that stands where labels should be must not become thousands."""
        for value in values[:MOST_UNKNOWN_VALUES]:
            detail = (
                f"value {value.value} on {value.voxels} voxels is not in the recipe; add it to values or ignore_values"
            )
            self._reject_each(files, "label", "unknown_value", detail, measured=float(value.value))
        if len(values) > MOST_UNKNOWN_VALUES:
            detail = f"{len(values) - MOST_UNKNOWN_VALUES} more values are not in the recipe; is this a label map?"
            self._reject_each(files, "label", "unknown_value", detail)

    def _give(self, image: OpenImage, files: list[LabelFile], grid: Geometry, found: Iterable[Any]) -> None:
        """Add what a label file says to one image, if it lies on the image's grid."""
        where = {"image_id": image.image_id}
        if not image.grid.same_grid(grid):
            detail = f"label grid {grid} differs from image grid {image.grid}"
            self._reject_each(files, "check", "grid_mismatch", detail, **where)
            return
        image.labels.extend(files)
        taken = {(mask.target, mask.rater) for mask in image.masks} | {(one.target, one.rater) for one in image.absent}
        for item in found:
            if isinstance(item, UnknownValue):
                continue
            if (item.target, item.rater) in taken:
                detail = "another label file of this image already holds it; tell them apart with `rater`"
                self._reject_each(files, "label", "duplicate_target", detail, target=item.target, **where)
            elif isinstance(item, Mask):
                image.masks.append(item)
            else:
                image.absent.append(item)
                detail = "looked for and not there: a true negative"
                self._reject_each(files, "label", "empty_mask", detail, target=item.target, **where)

    def has_labels(self, image: OpenImage) -> bool:
        """Tell whether any label file of the image could be used."""
        if not image.labels:
            detail = "none of its label files could be used; see their rows"
            self.reject("check", "no_label", detail, image_id=image.image_id, source_path=image.file.path)
        return bool(image.labels)

    def store_image(self, image: OpenImage) -> bool:
        """Write the image as the profile wants it, and its row; False where its voxels cannot be used."""
        path = self.raw / image.file.path
        try:
            volume = image_files.read(path, self.recipe.images[image.file.entry]).canonical()
            rows.check_finite(volume, path)
        except ReadError as error:
            self.reject("check", error.code, str(error), image_id=image.image_id, source_path=image.file.path)
            for file in image.labels:
                detail = "its image was rejected; see that row"
                self.reject("check", "image_rejected", detail, image_id=image.image_id, source_path=file.path)
            return False
        if self.profile.spacing_mm is not None:
            volume = harmonise.resample_image(volume, volume.geometry.resampled(self.profile.spacing_mm))
        relative = f"images/{image.image_id}{rows.image_suffix(volume)}"
        self.piece.files[relative] = write(volume, self.store / relative)
        self._stored_grids[image.image_id] = volume.geometry
        self.piece.images.append(
            rows.image_row(
                self.recipe, self.case, image.file, header=image.header, volume=volume, path=relative, source=path
            )
        )
        return True

    def store_masks(self, group: list[OpenImage], *, whole_case: bool) -> None:
        """Clean and write the masks that a group of images on one grid shares, and their rows."""
        first = group[0]
        masks, decisions = rules.apply(self.profile, first.masks, first.grid)
        grid = self._stored_grids[first.image_id]
        resampled = (
            [harmonise.resample_mask(mask, first.grid, grid) for mask in masks] if self.profile.spacing_mm else masks
        )
        kept = self._once([mask for mask in resampled if mask.voxels.count], group)
        channel = self.recipe.images[first.file.entry].channel
        stem = f"labels/{self.recipe.dataset.id}/{self.case.case_id}" + ("" if whole_case else f".{channel}")
        values = rows.label_values(self.recipe)
        layers, placed = pack([mask.voxels for mask in kept], [values[mask.target, mask.rater] for mask in kept])
        paths = [f"{stem}.nii.gz" if n == 0 else f"{stem}.{n + 1}.nii.gz" for n in range(len(layers))]
        for path, layer in zip(paths, layers, strict=True):
            self.piece.files[path] = write(Volume(layer, grid), self.store / path)
        for image in group:
            image_row = next(row for row in self.piece.images if row["image_id"] == image.image_id)
            image_row["labelled_targets"] = rows.labelled(image.masks, image.absent, decisions)
            for mask, place in zip(kept, placed, strict=True):
                self.piece.masks.append(
                    rows.mask_row(image_row, mask, grid, path=paths[place.layer], values=place.values)
                )
            self._reject_decisions(image, decisions)
            self._reject_vanished(image, [mask for mask in resampled if not mask.voxels.count])

    def _once(self, masks: list[Mask], group: list[OpenImage]) -> list[Mask]:
        """Keep the first mask of each target and rater; splitting sides can make a second one."""
        kept: dict[rows.Key, Mask] = {}
        for mask in masks:
            if kept.setdefault((mask.target, mask.rater), mask) is mask:
                continue
            detail = f"the recipe has {mask.target} of its own; the part of {mask.source_label} is left out"
            for image in group:
                self.reject(
                    "rule",
                    "duplicate_target",
                    detail,
                    image_id=image.image_id,
                    target=mask.target,
                    source_path=mask.source_path,
                )
        return list(kept.values())

    def _reject_decisions(self, image: OpenImage, decisions: list[rules.Decision]) -> None:
        for decision in decisions:
            self.reject(
                "rule",
                decision.code,
                decision.detail,
                image_id=image.image_id,
                target=decision.mask.target,
                source_path=decision.mask.source_path,
                measured=decision.measured,
                threshold=decision.threshold,
                effect="left_out" if decision.dropped else "changed",
            )

    def _reject_vanished(self, image: OpenImage, masks: list[Mask]) -> None:
        for mask in masks:
            detail = f"no voxel at {self.profile.spacing_mm} mm"
            self.reject(
                "rule",
                "empty_after_resampling",
                detail,
                image_id=image.image_id,
                target=mask.target,
                source_path=mask.source_path,
            )

    def _reject_each(self, files: list[LabelFile], stage: Stage, code: str, detail: str, **where: Any) -> None:
        for file in files:
            self.reject(stage, code, detail, source_path=file.path, **where)

    def reject(self, stage: Stage, code: str, detail: str, **where: Any) -> None:
        """Add a rejection of this case."""
        rejection = Rejection(self.recipe.dataset.id, stage, code, detail, case_id=self.case.case_id, **where)
        self.piece.rejections.append(rejection.row())


def _parts(files: Iterable[LabelFile], recipe: Recipe) -> list[list[LabelFile]]:
    """Group the label files that are read together: the parts of one mask where the recipe merges, else each alone."""
    groups: dict[object, list[LabelFile]] = {}
    for file in files:
        entry = recipe.labels[file.entry]
        key = (file.entry, entry.names[str(file.name)]) if entry.merge and entry.names else file.path
        groups.setdefault(key, []).append(file)
    return list(groups.values())


def _groups(images: list[OpenImage]) -> list[list[OpenImage]]:
    """Group images that share both their grid and their label files; each group shares its label maps."""
    groups: list[list[OpenImage]] = []
    for image in images:
        for group in groups:
            if group[0].labels == image.labels and group[0].grid.same_grid(image.grid, tolerance=1e-6):
                group.append(image)
                break
        else:
            groups.append([image])
    return groups
