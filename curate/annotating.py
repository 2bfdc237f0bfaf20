"""The label files of a case: read once each, given to every image that they annotate, on its grid."""

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import reduce

import numpy as np

from curate import harmonise, source_files, structures
from curate.errors import ReadError
from curate.geometry import Geometry
from curate.label_voxels import foreground, integers
from curate.masks import Absent, Found, LabelSource, Mask, OpenOutline, UnknownValue, read_masks
from curate.matching import LabelFile, annotates
from curate.opening import OpenImage
from curate.piece import Ledger
from curate.recipe import LabelFiles, Recipe, Values
from curate.scan import Case
from curate.source_tree import SourceTree
from curate.volume import Volume

MOST_UNKNOWN_VALUES = 20
"""Unknown values of one label file that get a row each."""


def annotate(images: list[OpenImage], case: Case, recipe: Recipe, tree: SourceTree, ledger: Ledger) -> None:
    """Read every label file of a case and give its masks to the images; what cannot be used becomes a rejection."""
    reader = _LabelReader(case, recipe, tree, ledger)
    for files in _parts(case.labels, recipe):
        entry = recipe.labels[files[0].entry]
        wanted = [image for image in images if annotates(entry, recipe.images[image.file.entry])]
        if not wanted:
            ledger.reject_each(files, "check", "image_rejected", "its image was rejected; see that row")
        elif entry.is_structured:
            for image in wanted:
                reader.read_structures(image, files, entry)
        else:
            reader.read_voxels(wanted, files, entry)
    for image in images:
        reader.add_missing_files(image)


class _LabelReader:
    """The steps of `annotate`."""

    def __init__(self, case: Case, recipe: Recipe, tree: SourceTree, ledger: Ledger) -> None:
        self.case, self.recipe, self.tree, self.ledger = case, recipe, tree, ledger
        here = [one for one in recipe.labelled if re.fullmatch(one.cases, case.key)]
        self._looked_for = {target for one in here for target in one.targets} if here else None

    def read_voxels(self, images: list[OpenImage], files: list[LabelFile], entry: LabelFiles) -> None:
        """Read a label map or picture, or the files that hold the parts of one mask."""
        try:
            volume = self._read(files, entry)
        except ReadError as error:
            self.ledger.reject_each(files, "label", error.code, str(error))
            return
        read: list[tuple[Geometry, list[Found]]] = []
        for image in images:
            placed = self._on_grid(volume, image, files, entry)
            if placed is None:
                continue
            grid = placed.geometry
            known = next((found for other, found in read if other.same_grid(grid, tolerance=0)), None)
            try:
                found = known if known is not None else self._masks(placed, files, entry)
            except ReadError as error:
                self.ledger.reject_each(files, "label", error.code, str(error))
                return
            if known is None:
                self._reject_unknown(files, entry, found)
                read.append((grid, found))
            self._give(image, files, entry, found)

    def read_structures(self, image: OpenImage, files: list[LabelFile], entry: LabelFiles) -> None:
        """Read a SEG, RTSTRUCT or .seg.nrrd on the grid of one image."""
        where = {"image_id": image.image_id}
        source = LabelSource(files[0].path, rater=files[0].rater)
        try:
            found = list(structures.read(self.tree.locate(source.path), entry, image.header.geometry, source))
        except ReadError as error:
            self.ledger.reject_each(files, "label", error.code, str(error), **where)
            return
        for item in found:
            if isinstance(item, structures.Unnamed):
                detail = f"no pattern of the recipe takes structure number {item.number}; add one, or leave it out"
                self.ledger.reject_each(
                    files, "label", "unknown_label_name", detail, measured=float(item.number), **where
                )
        self._give(image, files, entry, [one for one in found if not isinstance(one, structures.Unnamed)])

    def add_missing_files(self, image: OpenImage) -> None:
        """Note the targets of one-file-per-structure labels that have no file, where that means a true negative."""
        taken = image.keys
        for number, entry in enumerate(self.recipe.labels):
            raters = {file.rater for file in image.labels if file.entry == number}
            if entry.names is None or not self._tells_negatives(entry):
                continue
            with_file = {entry.named_target(str(file.name)) for file in self.case.labels if file.entry == number}
            for rater in sorted(raters, key=str):
                for target in entry.targets():
                    absent = Absent(target, rater)
                    if target not in with_file and absent.key not in taken and self._was_looked_for(target):
                        self._add_absent(image, absent, None)

    def _read(self, files: list[LabelFile], entry: LabelFiles) -> Volume:
        """Return the labels of one file, or of the files that hold the parts of one mask, in the source's orientation.

        Raises:
            ReadError: With the code of the first thing that is wrong.
        """
        volumes = [source_files.read(self.tree.locate(file.path), entry) for file in files]
        grid = volumes[0].geometry
        if not all(volume.geometry.same_grid(grid) for volume in volumes):
            raise ReadError("grid_mismatch", f"{files[0].path}: the parts of this mask lie on different grids")
        is_binary = entry.threshold is not None or entry.inverted
        parts = [
            foreground(volume, file.path, entry.threshold, inverted=entry.inverted)
            if is_binary
            else integers(volume, file.path, colours=entry.has_colours)
            for volume, file in zip(volumes, files, strict=True)
        ]
        return Volume(reduce(np.maximum, parts), grid)

    def _on_grid(self, volume: Volume, image: OpenImage, files: list[LabelFile], entry: LabelFiles) -> Volume | None:
        """Bring labels onto the canonical grid of an image, as the recipe allows; None after a rejection."""
        where = {"image_id": image.image_id}
        if entry.slice_order == "image_files":
            folder = self.tree.locate(image.file.path)
            volume = source_files.in_order_of_image_files(volume, folder, image.entry)
        labels, right = volume.canonical(), image.header.geometry
        if labels.geometry.same_grid(image.grid):
            return labels
        detail = f"label grid {labels.geometry} differs from image grid {image.grid}"
        if entry.on_grid_mismatch == "image" and volume.geometry.shape_ijk == right.shape_ijk:
            labels = Volume(volume.voxels, right).canonical()
            done = "the image's geometry is taken for both, as the recipe says"
        elif entry.on_grid_mismatch == "resample" and "pixel" not in {labels.geometry.unit, image.grid.unit}:
            labels = harmonise.resample_labels(labels, image.grid)
            done = "resampled by nearest neighbour, as the recipe says"
        else:
            self.ledger.reject_each(files, "check", "grid_mismatch", detail, **where)
            return None
        self.ledger.reject_each(files, "check", "grid_replaced", f"{detail}; {done}", effect="changed", **where)
        return labels

    def _masks(self, labels: Volume, files: list[LabelFile], entry: LabelFiles) -> list[Found]:
        source = LabelSource(files[0].path, files[0].name, files[0].rater)
        found = list(read_masks(labels.voxels, entry, source))
        if len(files) > 1:
            names = "+".join(str(file.name) for file in files)
            found = [replace(item, source_label=names) if isinstance(item, Mask) else item for item in found]
        return found

    def _reject_unknown(self, files: list[LabelFile], entry: LabelFiles, found: Iterable[Found]) -> None:
        """Add a row per unknown value; an image that stands where labels should be must not become thousands."""
        values = [item for item in found if isinstance(item, UnknownValue)]
        for value in values[:MOST_UNKNOWN_VALUES]:
            shown = Values(value.value, value.value, is_colour=entry.has_colours)
            detail = f"value {shown} on {value.voxels} voxels is not in the recipe; add it to values or ignore_values"
            self.ledger.reject_each(files, "label", "unknown_value", detail, measured=float(value.value))
        if len(values) > MOST_UNKNOWN_VALUES:
            detail = f"{len(values) - MOST_UNKNOWN_VALUES} more values are not in the recipe; is this a label map?"
            self.ledger.reject_each(files, "label", "unknown_value", detail)

    def _give(self, image: OpenImage, files: list[LabelFile], entry: LabelFiles, found: Iterable[Found]) -> None:
        """Add what a label file says to one image."""
        image.labels.extend(files)
        taken = image.keys
        for item in found:
            where = {"image_id": image.image_id}
            if isinstance(item, UnknownValue):
                continue
            if isinstance(item, OpenOutline):
                detail = f"an outline of {item.voxels} voxels that encloses nothing on any slice"
                self.ledger.reject_each(files, "label", "open_outline", detail, target=item.target, **where)
            elif item.key in taken:
                detail = "another label file of this image already holds it; tell them apart with `rater`"
                self.ledger.reject_each(files, "label", "duplicate_target", detail, target=item.target, **where)
            elif isinstance(item, Mask):
                image.masks.append(item)
            elif self._tells_negatives(entry) or entry.names is not None:
                self._add_absent(image, item, files)

    def _add_absent(self, image: OpenImage, absent: Absent, files: list[LabelFile] | None) -> None:
        """Note a true negative, if it was looked for in this case."""
        if not self._was_looked_for(absent.target):
            return
        image.absent.append(absent)
        where = {"image_id": image.image_id, "target": absent.target}
        if files is None:
            self.ledger.reject("label", "empty_mask", "looked for, and no file of it: a true negative", **where)
        else:
            self.ledger.reject_each(files, "label", "empty_mask", "looked for and not there: a true negative", **where)

    def _tells_negatives(self, entry: LabelFiles) -> bool:
        """Tell whether a target that is not there may have been looked for; what is said of the case itself holds."""
        return entry.negatives or self._looked_for is not None

    def _was_looked_for(self, target: str) -> bool:
        return self._looked_for is None or target in self._looked_for


def _parts(files: Iterable[LabelFile], recipe: Recipe) -> list[list[LabelFile]]:
    """Group the label files that are read together: the parts of one mask where the recipe merges, else each alone."""
    groups: dict[object, list[LabelFile]] = {}
    for file in files:
        entry = recipe.labels[file.entry]
        merged = (file.entry, entry.named_target(str(file.name)), file.rater)
        groups.setdefault(merged if entry.merge else (file.entry, file.path), []).append(file)
    return list(groups.values())
