"""From an open image and its masks to files and rows of the store, as the profile wants them."""

from pathlib import Path

from curate import harmonise, rows, rules, source_files
from curate.errors import ReadError
from curate.keeping.pictures import Pictures
from curate.keeping.volumes import Volumes
from curate.opening import OpenImage
from curate.piece import Ledger
from curate.profile import Profile
from curate.recipe import Recipe
from curate.rules import Decision
from curate.scan import Case
from curate.source_tree import SourceTree
from curate.volume import Volume

__all__ = ["Keeper"]


class Keeper:
    """Stores the images and masks of one case."""

    def __init__(
        self, case: Case, recipe: Recipe, profile: Profile, tree: SourceTree, store: Path, ledger: Ledger
    ) -> None:
        self.recipe, self.profile, self.tree, self.ledger = recipe, profile, tree, ledger
        self._shelf: Pictures | Volumes = (
            Volumes(case, recipe, store, ledger) if not profile.axes else Pictures(case, recipe, profile, store, ledger)
        )

    def store_image(self, image: OpenImage) -> bool:
        """Store an image as the profile wants it; False where its voxels cannot be used, or it has no mask left."""
        if self.profile.requires_mask and not self._has_mask(image):
            return False
        volume = self._read(image)
        if volume is None:
            return False
        if self.profile.spacing_mm is not None:
            volume = harmonise.resample_image(volume, volume.geometry.resampled(self.profile.spacing_mm))
        self._shelf.add_image(image, volume, self.tree.locate(image.file.path))
        return True

    def store_masks(self, group: list[OpenImage], *, whole_case: bool) -> None:
        """Clean and store the masks that a group of images on one grid shares."""
        cleaned = rules.apply(self.profile, group[0].masks, group[0].grid)
        channel = None if whole_case else self.recipe.images[group[0].file.entry].channel
        self._shelf.add_masks(group, cleaned, channel)
        for image in group:
            for decision in cleaned.decisions:
                self._reject(image, decision)

    def _has_mask(self, image: OpenImage) -> bool:
        """Tell whether the rules leave a mask of an image; where they do not, say why."""
        cleaned = rules.apply(self.profile, image.masks, image.grid)
        if not cleaned.parts:
            for decision in cleaned.decisions:
                self._reject(image, decision)
            self.ledger.reject(
                "rule",
                "without_mask",
                "no mask is left on it",
                image_id=image.image_id,
                source_path=image.file.path,
                measured=0.0,
                threshold=1.0,
                step=self.profile.step_of("require_mask"),
                rule="require_mask",
            )
        return bool(cleaned.parts)

    def _read(self, image: OpenImage) -> Volume | None:
        """Return the image on its canonical grid; None after a rejection."""
        path, entry = self.tree.locate(image.file.path), image.entry
        try:
            voxels = source_files.read(path, entry).voxels
            volume = Volume(voxels, image.header.geometry).canonical()
            rows.check_finite(volume, path)
        except ReadError as error:
            self.ledger.reject("check", error.code, str(error), image_id=image.image_id, source_path=image.file.path)
            detail = "its image was rejected; see that row"
            self.ledger.reject_each(image.labels, "check", "image_rejected", detail, image_id=image.image_id)
            return None
        return volume

    def _reject(self, image: OpenImage, decision: Decision) -> None:
        self.ledger.reject(
            "rule",
            decision.code,
            decision.detail,
            image_id=image.image_id,
            target=decision.mask.target,
            source_path=decision.mask.source_path,
            measured=decision.measured,
            threshold=decision.threshold,
            effect=decision.effect,
            step=decision.step,
            rule=decision.rule,
            masks_before=decision.before,
            masks_after=decision.after,
        )
