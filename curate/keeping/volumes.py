"""Images as they are: a file and a row each, and label maps that the images on one grid share."""

from pathlib import Path

from curate import rows
from curate.opening import OpenImage
from curate.packing import pack
from curate.piece import Ledger
from curate.recipe import Recipe
from curate.rules import Cleaned
from curate.scan import Case
from curate.volume import Volume, write, write_image


class Volumes:
    """Writes images and label maps of one case."""

    def __init__(self, case: Case, recipe: Recipe, store: Path, ledger: Ledger) -> None:
        self.case, self.recipe, self.store, self.piece = case, recipe, store, ledger.piece

    def add_image(self, image: OpenImage, volume: Volume, source: Path) -> None:
        """Write an image and its row."""
        path = f"images/{image.image_id}{rows.image_suffix(volume)}"
        self.piece.files[path], voxel_sha256 = write_image(volume, self.store / path)
        stored = rows.Stored(path, volume.geometry, voxel_sha256)
        self.piece.images.append(
            rows.image_row(
                self.recipe, self.case, image.file, image.entry, header=image.header, stored=stored, source=source
            )
        )

    def add_masks(self, group: list[OpenImage], cleaned: Cleaned, channel: str | None) -> None:
        """Write the label maps that a group of images shares, and the rows of their masks.

        Args:
            group: Images on one grid, with the same label files.
            cleaned: What the profile leaves of their masks.
            channel: Names the label maps where images of the case have others; else None.
        """
        masks = cleaned.masks
        stem = f"labels/{self.recipe.dataset.id}/{self.case.case_id}" + (f".{channel}" if channel else "")
        values = rows.label_values(self.recipe, masks)
        layers, placed = pack([mask.voxels for mask in masks], [values[mask.key] for mask in masks])
        paths = [f"{stem}.nii.gz" if n == 0 else f"{stem}.{n + 1}.nii.gz" for n in range(len(layers))]
        for path, layer in zip(paths, layers, strict=True):
            self.piece.files[path] = write(Volume(layer, cleaned.grid), self.store / path)
        for image in group:
            image_row = next(row for row in self.piece.images if row["image_id"] == image.image_id)
            image_row["labelled_targets"] = rows.labelled(image.masks, image.absent, cleaned.decisions)
            for mask, place in zip(masks, placed, strict=True):
                self.piece.masks.append(
                    rows.mask_row(image_row, mask, cleaned.grid, path=paths[place.layer], values=place.values)
                )
