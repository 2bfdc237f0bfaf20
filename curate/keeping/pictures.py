"""Volumes as slices: a PNG for each slice that has a mask, and a label map beside it; pictures go the same way."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from curate import rows, slicing
from curate.geometry import Geometry
from curate.labelmap import pack
from curate.masks import Key, Mask
from curate.opening import OpenImage
from curate.piece import Ledger
from curate.profile import Profile
from curate.recipe import Recipe
from curate.rules import Cleaned
from curate.scan import Case
from curate.slicing import Place
from curate.volume import Volume, write, write_image

Row = dict[str, Any]


class Pictures:
    """Writes slices and their label maps of one case."""

    def __init__(self, case: Case, recipe: Recipe, profile: Profile, store: Path, ledger: Ledger) -> None:
        self.case, self.recipe, self.profile, self.store, self.ledger = case, recipe, profile, store, ledger
        self._waiting: dict[str, tuple[Volume, Path]] = {}
        """8-bit voxels and source of the images whose masks are not cut yet, by image_id."""
        self._values = rows.label_values(recipe)

    def add_image(self, image: OpenImage, volume: Volume, source: Path) -> None:
        """Keep an image until it is known which of its slices have a mask."""
        self._waiting[image.image_id] = slicing.as_bytes(volume), source

    def add_masks(self, group: list[OpenImage], cleaned: Cleaned, channel: str | None) -> None:
        """Write every slice that has a mask, of each image of a group, with the label maps that they share.

        Args:
            group: Images on one grid, with the same label files.
            cleaned: What the profile leaves of their masks.
            channel: Names the label maps where images of the case have others; else None.
        """
        slices = cleaned.by_place()
        grids = {place: cleaned.grid if place is None else slicing.grid_of(cleaned.grid, place) for place in slices}
        labels = {place: self._write_labels(masks, grids[place], channel, place) for place, masks in slices.items()}
        for image in group:
            looked_for = set(rows.labelled(image.masks, image.absent, cleaned.decisions))
            volume, source = self._waiting.pop(image.image_id)
            common: Row = {}
            for place, masks in slices.items():
                voxels = (volume if place is None else slicing.picture(volume, place)).voxels
                row = self._write_picture(image, Volume(voxels, grids[place]), source, place, common)
                doubtful = set() if place is None else cleaned.doubtful(place)
                row["labelled_targets"] = sorted((looked_for - doubtful) | {mask.target for mask in masks})
                for mask, (path, values) in zip(masks, labels[place], strict=True):
                    self.ledger.piece.masks.append(rows.mask_row(row, mask, grids[place], path=path, values=values))
            self._count_empty(image, cleaned.grid, len(slices))

    def _write_labels(
        self, masks: Sequence[Mask], grid: Geometry, channel: str | None, place: Place | None
    ) -> list[tuple[str, tuple[int, ...]]]:
        """Write the label maps of one slice; return the path and the values of each mask."""
        layers, placed = pack([mask.voxels for mask in masks], picture_values(self._values, masks))
        stem = "labels/" + _named(f"{self.recipe.dataset.id}/{self.case.case_id}", ".", channel, place)
        paths = [f"{stem}.png" if n == 0 else f"{stem}.{n + 1}.png" for n in range(len(layers))]
        for path, layer in zip(paths, layers, strict=True):
            self.ledger.piece.files[path] = write(Volume(layer, grid), self.store / path)
        return [(paths[one.layer], one.values) for one in placed]

    def _write_picture(self, image: OpenImage, picture: Volume, source: Path, place: Place | None, common: Row) -> Row:
        """Write one slice and its row; what all slices of an image have in common is found out once."""
        channel = self.recipe.images[image.file.entry].channel
        image_id = _named(f"{self.recipe.dataset.id}/{self.case.case_id}", "/", channel, place)
        path = f"images/{image_id}.png"
        self.ledger.piece.files[path], voxel_sha256 = write_image(picture, self.store / path)
        if not common:
            stored = rows.Stored(path, picture.geometry, voxel_sha256)
            common |= rows.image_row(
                self.recipe, self.case, image.file, image.entry, header=image.header, stored=stored, source=source
            )
        grid = picture.geometry
        row = common | {
            "image_id": image_id,
            "path": path,
            "shape_ijk": list(grid.shape_ijk),
            "affine": grid.affine.ravel().tolist(),
            "spacing_mm": None if grid.spacing_mm is None else list(grid.spacing_mm),
            "voxel_sha256": voxel_sha256,
            "intensity_unit": None,
        }
        self.ledger.piece.images.append(row)
        return row

    def _count_empty(self, image: OpenImage, grid: Geometry, kept: int) -> None:
        """Say how many slices are not stored because no mask is left on them."""
        axes = self.profile.axes
        total = 1 if grid.is_2d else sum(grid.shape_ijk[slicing.AXES.index(axis)] for axis in axes)
        if kept == total:
            return
        where = "picture" if grid.is_2d else f"slices across {', '.join(axes)}"
        self.ledger.reject(
            "rule",
            "without_mask",
            f"{total - kept} of {total} {where} without a mask, not stored",
            image_id=image.image_id,
            source_path=image.file.path,
            measured=float(total - kept),
            effect="changed" if kept else "left_out",
            step=self.profile.step_of("slice"),
            rule="slice",
        )


def picture_values(own: dict[Key, int], masks: Sequence[Mask]) -> list[int]:
    """Return the value of each mask in the label map of a picture.

    Args:
        own: The value of each target and rater, the same on every picture of a dataset.
        masks: Several may be of one target: the first of them gets that value, the others get the next free ones.
    """
    free = len(own)
    taken: set[int] = set()
    values = []
    for mask in masks:
        value = own.get((mask.target, mask.rater, None), 0)
        if value == 0 or value in taken:
            free += 1
            value = free
        taken.add(value)
        values.append(value)
    return values


def _named(case: str, separator: str, channel: str | None, place: Place | None) -> str:
    """Return `<dataset>/<case>/[<channel>.]<slice>`, or `<dataset>/<case>[<separator><channel>]` for a picture."""
    if place is None:
        return f"{case}{separator}{channel}" if channel else case
    name = slicing.slice_name(place)
    return f"{case}/{channel}.{name}" if channel else f"{case}/{name}"
