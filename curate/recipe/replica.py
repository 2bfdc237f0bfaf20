"""A tiny copy of a dataset, described by what its files are called and hold, and not by the recipe's own patterns.

`curate.replica` makes it and compares what a build finds with what was put there.
"""

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from curate.plugins import StrictModel
from curate.recipe.dataset import Split
from curate.recipe.paths import check_relative

Shows = str | tuple[str, ...]
"""The target, or the targets, that the voxels of one label belong to; none for a label that means nothing."""

Kind = Literal["image", "labels", "mask", "segments", "rois", "other_series", "text", "junk"]
"""other_series: a DICOM series beside the image's, which is not to be taken."""
_PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff")
_HOLDS = {"labels": "values", "mask": "shows", "segments": "objects", "rois": "objects", "text": "text"}


class ReplicaFile(StrictModel):
    """One file, or one folder with a DICOM series, of the tiny tree."""

    path: str
    """As it is called in the download; `{each}` stands for every key of `each` in turn; `ROOT:PATH` lies in another
    root. A path that ends in / is a folder with one file per slice."""
    kind: Kind
    case: str | None = None
    """Key of the case that it belongs to."""

    channel: str | None = None
    """image: name of the channel, as the recipe calls it."""
    channels: tuple[str, ...] = ()
    """image: names of the volumes along the fourth axis, in order."""
    colours: bool = False
    """image: a picture with red, green and blue."""
    is_stack: bool = False
    """A TIFF whose pages are the slices of a volume."""
    slice_files: str = "IM-0001-{k:04}.dcm"
    """Names of the files of a folder, `{k}` or `{k:03}` for the number of the slice from 0: DICOM, or pictures by their
    suffix."""
    modality: str | None = None
    """image: what the manifest must say of it; not compared where it is not given."""
    sequence: str | None = None
    split: Split | None = None

    values: dict[str, Shows] = {}
    """labels: value (or colour `#rrggbb`) -> what its voxels show; each value gets a block of its own."""
    shows: Shows | None = None
    """mask: what it shows; all its targets share one block."""
    each: dict[str, Shows] = {}
    """mask: what stands for `{each}` in the path -> what that file shows."""
    objects: dict[str, Shows] = {}
    """segments, rois: name in the file -> what it shows."""
    foreground: int = 1
    """mask: value of the voxels that belong to it."""
    background: int = 0
    """mask, labels: value of all other voxels; with foreground 0, an inverted mask."""
    outline: bool = False
    """mask: only the border of the block is drawn, in every axial slice."""
    images: tuple[str, ...] | None = None
    """Channels of the case that it annotates; default: all."""
    rater: str | None = None
    """Whose mask it is, as mask_id has it."""
    instances: bool = False
    """labels: values tell the instances of the one target that they all show apart."""
    volume_index: Annotated[int, Field(ge=0)] | None = None
    """labels, mask: which volume along a fourth axis it is; files with the same path together make the whole."""

    orientation: str = "RAS"
    """Where the axes of the stored array point, which the header says too."""
    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Along the axes i, j, k of the array as it is stored; k = 1 slice for pictures."""
    stored_as: str = "ijk"
    """What was done to the voxels and not to the header, such as `-ijk`: what the recipe's `axes` undoes."""
    header_spacing_mm: tuple[float, float, float] | None = None
    """What a wrong header says of the spacing."""
    origin_shift_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """How far a wrong header moves the image."""
    dtype: str | None = None
    """Of the stored voxels; default: int16 for images, uint8 or the smallest that holds the values for labels."""
    array: str | None = None
    """Name of the array in NPZ and HDF5; files with the same path go into one file."""

    text: str | None = None
    """text: the whole content, such as a list of a split."""
    rejected: str | None = None
    """Code of the row that must say why the file is left out; it then counts as not there."""

    @property
    def is_folder_of_pictures(self) -> bool:
        """True for a path that names a folder with one picture per slice."""
        return self.path.endswith("/") and self.slice_files.lower().endswith(_PICTURES)

    @property
    def is_picture(self) -> bool:
        """True for one picture, which has neither spacing nor orientation."""
        return self.path.lower().endswith(_PICTURES) and not self.is_stack

    @field_validator("path")
    @classmethod
    def _stays_inside(cls, path: str) -> str:
        check_relative(path.rpartition(":")[2].removesuffix("/"))
        return path

    @field_validator("slice_files")
    @classmethod
    def _numbered(cls, name: str) -> str:
        if not re.fullmatch(r"[^{}/\\]*\{k(:0\d)?\}[^{}/\\]*", name):
            raise ValueError(f"`{name}` must be a file name with {{k}} or {{k:03}} in it")
        return name

    @model_validator(mode="after")
    def _complete(self) -> "ReplicaFile":
        needed = _HOLDS.get(self.kind)
        if self.kind == "mask" and self.each:
            needed = None
        if needed is not None and getattr(self, needed) in (None, {}):
            raise ValueError(f"`{self.path}` is of kind `{self.kind}`: give `{needed}`")
        if (self.kind in ("text", "junk")) == (self.case is not None):
            raise ValueError(f"`{self.path}`: `case` goes with images and labels, and only with them")
        if bool(self.each) != ("{each}" in self.path):
            raise ValueError(f"`{self.path}`: `each` goes with {{each}} in the path")
        return self


class Replica(StrictModel):
    """All of the tiny tree, and what a build must say of it beyond its masks."""

    files: Annotated[tuple[ReplicaFile, ...], Field(min_length=1)]
    rejections: dict[str, int] = {}
    """Code -> rows that no single file stands for, such as empty_mask."""
