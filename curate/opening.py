"""The images of a case on their way into the store: headers first, voxels only while they are written."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from curate import rows, source_files
from curate.errors import ReadError
from curate.geometry import Geometry
from curate.masks import Absent, Key, Mask
from curate.matching import ImageFile, LabelFile, annotates
from curate.piece import Ledger
from curate.profile import Profile
from curate.readers.header import Header
from curate.recipe import ImageFiles, Recipe
from curate.scan import Case
from curate.source_tree import SourceTree


@dataclass(slots=True, eq=False)
class OpenImage:
    """An image whose header is read and sound."""

    file: ImageFile
    entry: ImageFiles
    """What the recipe says of the file; of a folder's series, the one that was chosen."""
    image_id: str
    header: Header
    labels: list[LabelFile] = field(default_factory=list)
    """Label files that could be used."""
    masks: list[Mask] = field(default_factory=list)
    absent: list[Absent] = field(default_factory=list)

    @property
    def keys(self) -> set[Key]:
        """What is known of its targets, present or absent."""
        return {mask.key for mask in self.masks} | {absent.key for absent in self.absent}

    @property
    def grid(self) -> Geometry:
        """Canonical grid of the source."""
        return self.header.canonical


def open_images(case: Case, recipe: Recipe, profile: Profile, tree: SourceTree, ledger: Ledger) -> list[OpenImage]:
    """Read the headers of a case's images; those that cannot be used become rejections."""
    images = []
    for file in case.images:
        image_id = rows.image_id(recipe, case, file)
        try:
            entry = source_files.referring_to(
                tree.locate(file.path), recipe.images[file.entry], _objects(file, case, recipe, tree)
            )
            header = source_files.header(tree.locate(file.path), entry)
            header = _with_label_geometry(header, file, case, recipe, tree)
        except ReadError as error:
            ledger.reject("check", error.code, str(error), image_id=image_id, source_path=file.path)
            continue
        image = OpenImage(file, entry, image_id, header)
        if profile.needs_volume and (image.grid.unit == "pixel" or image.grid.is_2d):
            detail = f"profile {profile.name} works in mm on volumes; this is {header.geometry}"
            ledger.reject("check", "profile_needs_volume", detail, image_id=image_id, source_path=file.path)
            continue
        images.append(image)
    return images


def _objects(file: ImageFile, case: Case, recipe: Recipe, tree: SourceTree) -> list[Path]:
    """Return the segmentations and structure sets of a case that annotate an image."""
    return [
        tree.locate(label.path)
        for label in case.labels
        if recipe.labels[label.entry].is_structured and annotates(recipe.labels[label.entry], recipe.images[file.entry])
    ]


def _with_label_geometry(header: Header, file: ImageFile, case: Case, recipe: Recipe, tree: SourceTree) -> Header:
    """Take over the geometry of a label whose header is right where the image's is wrong, as the recipe says.

    Raises:
        ReadError: `grid_mismatch` where even the shapes differ, or what is wrong with the label.
    """
    for label in case.labels:
        entry = recipe.labels[label.entry]
        if entry.on_grid_mismatch != "mask" or not annotates(entry, recipe.images[file.entry]):
            continue
        right = source_files.header(tree.locate(label.path), entry)
        if right.geometry.shape_ijk != header.geometry.shape_ijk:
            detail = f"{label.path}: its geometry is to be the image's, but label {right.geometry} and image "
            raise ReadError("grid_mismatch", f"{detail}{header.geometry} differ in shape")
        if not right.canonical.same_grid(header.canonical):
            return replace(header, affine=right.affine, unit=right.unit, repaired="geometry_of_label")
    return header
