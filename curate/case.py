"""The story of one case, from its source files to its files and rows in the store."""

from pathlib import Path

from curate.annotating import annotate
from curate.keeping import Keeper
from curate.opening import OpenImage, open_images
from curate.piece import Ledger, Piece
from curate.profile import Profile
from curate.recipe import Recipe
from curate.scan import Case
from curate.source_tree import SourceTree


def build(case: Case, recipe: Recipe, profile: Profile, tree: SourceTree, store: Path) -> Piece:
    """Read, check, harmonise, clean and store one case; whatever cannot be used becomes a rejection.

    Args:
        case: Its files, from `curate.scan.find`.
        recipe: What the files mean.
        profile: How they are harmonised and cleaned.
        tree: Where the files lie.
        store: Root of the store; images and label maps are written under it.

    Returns:
        The rows and the files of this case. The same source gives the same bytes.
    """
    ledger = Ledger(case, recipe)
    images = open_images(case, recipe, profile, tree, ledger)
    annotate(images, case, recipe, tree, ledger)
    keeper = Keeper(case, recipe, profile, tree, store, ledger)
    kept = [image for image in images if _has_labels(image, ledger) and keeper.store_image(image)]
    for group in _groups(kept):
        keeper.store_masks(group, whole_case=len(group) == len(kept))
    return ledger.piece


def _has_labels(image: OpenImage, ledger: Ledger) -> bool:
    """Tell whether any label file of the image could be used."""
    if not image.labels:
        detail = "none of its label files could be used; see their rows"
        ledger.reject("check", "no_label", detail, image_id=image.image_id, source_path=image.file.path)
    return bool(image.labels)


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
