"""The files of a dataset: what a recipe says of its images and of its labels."""

import re
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from curate.plugins import StrictModel
from curate.recipe.paths import compile_path, compiled, literal, parts_of
from curate.recipe.values import Values, check_disjoint

NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]*$"
"""What a channel, rater or root may be called: it becomes part of a file's name."""
_AXES = re.compile(r"(-?[ijk])(-?[ijk])(-?[ijk])")
_ORIENTATION = re.compile(r"[LRAPIS]{3}")
_MEANINGS = ("values", "names", "target", "instances", "segments", "rois")
_OF_VOXELS = ("array", "volume_index", "axes", "spacing_mm", "fill", "on_grid_mismatch")
"""Keys that mean nothing to objects that name their masks themselves."""

Unit = Literal["HU", "SUV", "Bq/mL", "mm2/s", "um2/s", "ms", "percent", "arbitrary"]
"""Of intensities; SUV is by body weight."""

OnGridMismatch = Literal["reject", "resample", "image", "mask"]
"""reject: a row says so; resample: the mask goes onto the image's grid by nearest neighbour; image: the label's header
is wrong, the image's geometry holds; mask: the image's header is wrong, the label's geometry holds."""


class RecipeFiles(StrictModel):
    """Files of one role."""

    path: str
    root: Annotated[str, Field(pattern=NAME)] | None = None
    """Name of another source tree that the path starts from; `--root NAME=DIR` says where it lies."""
    case: Annotated[str, Field(pattern=NAME)] | None = None
    """Case key, where the path captures none."""
    array: str | None = None
    """Name of the array, in NPZ and HDF5 files that hold several."""
    volume_index: Annotated[int, Field(ge=0)] | None = None
    """Which 3D volume of a 4D file, counted from 0."""
    axes: str | None = None
    """Order and direction in which the voxels should have been stored, such as `-jik`; the header stays as it is."""
    spacing_mm: tuple[float, float, float] | None = None
    """Voxel spacing along the axes (after `axes`), for files that state none or a wrong one."""
    spacing_unknown: bool = False
    """The files state a wrong spacing, and the right one is not known: nothing of them is measured in mm."""
    orientation: str | None = None
    """Where the axes point; default: where the file says, and RAS where it says nothing."""

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The path, without `**/` at its end, as a regular expression."""
        return compile_path(parts_of(self.path)[0])

    @property
    def is_folder(self) -> bool:
        """True for a path that names a folder of files, one per slice, which together are one image or label map."""
        return self.path.endswith("/")

    @property
    def is_deep(self) -> bool:
        """True for a path that ends in `**/`: a folder and all folders in it."""
        return parts_of(self.path)[1]

    @property
    def literal(self) -> int:
        """How many characters of the path are spelt out."""
        return literal(self.path)

    @model_validator(mode="after")
    def _sound_part(self) -> "RecipeFiles":
        if self.is_folder and (self.array is not None or self.volume_index is not None):
            raise ValueError("`array` and `volume_index` go with single files, not with a path that ends in /")
        return self

    @model_validator(mode="after")
    def _sound_geometry(self) -> "RecipeFiles":
        found = _AXES.fullmatch(self.axes or "ijk")
        if found is None or {axis[-1] for axis in found.groups()} != set("ijk"):
            raise ValueError(f"axes `{self.axes}` must be i, j and k in some order, each with or without -")
        if self.spacing_mm is not None and self.spacing_unknown:
            raise ValueError("give `spacing_mm`, or `spacing_unknown`, and not both")
        if self.spacing_mm is not None and not all(0 < mm < float("inf") for mm in self.spacing_mm):
            raise ValueError("spacing_mm must be three positive numbers")
        axes = {"L": 0, "R": 0, "A": 1, "P": 1, "I": 2, "S": 2}
        codes = self.orientation or "RAS"
        if not _ORIENTATION.fullmatch(codes) or len({axes[code] for code in codes}) != 3:
            raise ValueError(f"orientation `{codes}` must be three axis codes such as LPS")
        if self.orientation is not None and self.spacing_mm is None:
            raise ValueError("`orientation` goes with `spacing_mm`")
        return self


class SeriesChoice(StrictModel):
    """Which DICOM series of a folder is the image, where there are several."""

    uid: str | None = None
    """Its SeriesInstanceUID."""
    description: str | None = None
    """Regular expression to be found in its SeriesDescription."""
    modality: str | None = None
    """Its modality as DICOM spells it, such as PT."""
    referenced: bool = False
    """The one that the case's segmentation or structure set says it was drawn on."""

    @field_validator("description")
    @classmethod
    def _expression(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            compiled(pattern)
        return pattern


class ImageFiles(RecipeFiles):
    """One channel of the dataset's images; a path that ends in `/` is a folder with one file per slice."""

    channel: Annotated[str, Field(pattern=NAME)] | None = None
    """Name of the channel, where a case has several."""
    modality: str
    sequence: str | None = None
    region: str | None = None
    series: SeriesChoice | None = None
    scale: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1
    """What stored intensities are multiplied by, before `offset` is added."""
    offset: Annotated[float, Field(allow_inf_nan=False)] = 0
    unit: Unit | None = None
    """Unit of the intensities then."""

    @model_validator(mode="after")
    def _series_of_a_folder(self) -> "ImageFiles":
        if self.series is not None and not self.is_folder:
            raise ValueError("`series` goes with a path that ends in /, a folder of DICOM files")
        if self.is_deep and self.series is None:
            raise ValueError("a path that ends in **/ holds several series; `series` says which one is meant")
        return self


class LabelFiles(RecipeFiles):
    """One kind of label file, and what it holds: exactly one of the first six keys below `images` says so."""

    images: tuple[str, ...] | None = None
    """Channels that it annotates; default: every image of the case."""
    values: dict[Values, str] | None = None
    """For label maps: value, range of values or colour -> target. 0 (black) is background."""
    names: dict[str, str] | None = None
    """For one file per structure: what `{label}` captured, or a pattern with * and ?, -> target."""
    target: str | None = None
    """For files that hold one mask: the target; anything but 0 is foreground."""
    instances: str | None = None
    """For files whose values tell the instances of one target apart: the target; each value is a mask."""
    segments: dict[str, str] | None = None
    """For DICOM SEG and .seg.nrrd: regular expression on the segment's name, or code (`SCT:10200004`) -> target."""
    rois: dict[str, str] | None = None
    """For DICOM RTSTRUCT: regular expression on the ROI name -> target."""
    composites: dict[str, tuple[Values, ...]] = {}
    """Further targets that are unions of values: kidney = [1, 2, 3]."""
    ignore_values: tuple[Values, ...] = ()
    """Values that are known not to be targets."""
    ignore_names: tuple[str, ...] = ()
    """Names that are known not to be targets: patterns with * and ? for `names`, codes and expressions for others."""
    threshold: Annotated[float, Field(allow_inf_nan=False)] | None = None
    """For `target` and `names`: foreground is above it, as in lossy and in probabilistic masks."""
    inverted: bool = False
    """For `target` and `names`: foreground and background change places."""
    fill: bool = False
    """The annotation is an outline: whatever it encloses on an axial slice, or in a picture, belongs to the mask."""
    rater: Annotated[str, Field(pattern=NAME)] | None = None
    """Tells several segmentations of one target apart; becomes part of the mask_id. So does `{rater}` in a path."""
    merge: bool = False
    """For one file per part: files of a case whose names map to one target are parts of one mask, their union."""
    slice_order: Literal["names", "image_files"] = "names"
    """For a folder of pictures. names: in the order of their names they follow each other along k; image_files: the
    n-th belongs to the slice in the n-th file of the image's folder, wherever that lies."""
    on_grid_mismatch: OnGridMismatch = "reject"
    labelled: Literal["all", "present"] | None = None
    """all: every target of this entry was looked for in every case, and one that is not there is a true negative (the
    default, but for `names`); present: only what is there is known (with `names`, whose files may be empty)."""

    @model_validator(mode="after")
    def _one_meaning(self) -> "LabelFiles":
        given = [key for key in _MEANINGS if getattr(self, key) is not None]
        if len(given) != 1:
            hint = " (`composites` go with `values`, which may be {})" if self.composites and not given else ""
            raise ValueError(f"give exactly one of {', '.join(_MEANINGS)}; found {', '.join(given) or 'none'}{hint}")
        if (self.names is not None) != ("{label" in self.path):
            raise ValueError("`names` goes with a path that has {label}, and only with it")
        if self.merge and self.names is None:
            raise ValueError("`merge` goes with `names`")
        if self.rater is not None and "{rater" in self.path:
            raise ValueError("give `rater`, or {rater} in the path, and not both")
        binary = self.target is not None or self.names is not None
        if (self.threshold is not None or self.inverted) and not binary:
            raise ValueError("`threshold` and `inverted` go with `target` or `names`")
        return self

    @model_validator(mode="after")
    def _sound_folder(self) -> "LabelFiles":
        if self.slice_order != "names" and not self.is_folder:
            raise ValueError("`slice_order` goes with a path that ends in /, a folder of pictures")
        if self.is_deep:
            raise ValueError("**/ goes with images; the files of a label lie in one folder")
        if self.is_folder and self.is_structured:
            raise ValueError("`segments` and `rois` go with single files, not with a path that ends in /")
        return self

    @model_validator(mode="after")
    def _structured(self) -> "LabelFiles":
        if self.ignore_names and self.names is None and not self.is_structured:
            raise ValueError("`ignore_names` goes with `names`, `segments` or `rois`")
        for pattern in (*(self.segments or {}), *(self.rois or {}), *(self.ignore_names if self.is_structured else ())):
            compiled(pattern)
        given = [key for key in _OF_VOXELS if getattr(self, key) != type(self).model_fields[key].default]
        if self.is_structured and given:
            raise ValueError(f"`{given[0]}` goes with label maps and pictures, not with `segments` or `rois`")
        return self

    @model_validator(mode="after")
    def _sound_values(self) -> "LabelFiles":
        if (self.composites or self.ignore_values) and self.values is None:
            raise ValueError("`composites` and `ignore_values` go with `values`")
        for values in self.values or {}:
            if 0 in values:
                raise ValueError(f"value {values} is background and cannot be a target")
        for target, union in self.composites.items():
            if not union or any(0 in values for values in union):
                raise ValueError(f"composite `{target}` needs values, and 0 is background")
        for ignored in self.ignore_values:
            for values in self.values or {}:
                if ignored.overlaps(values):
                    raise ValueError(f"value {values} stands in `ignore_values` and names a target")
        check_disjoint((self.values or {}).items())
        if len({values.is_colour for values in self.all_values()}) > 1:
            raise ValueError("colours and numbers cannot stand in one label map; write all values as #rrggbb, or none")
        return self

    def all_values(self) -> list[Values]:
        """Return every value that the entry names, in the recipe's order."""
        unions = [values for union in self.composites.values() for values in union]
        return [*(self.values or {}), *unions, *self.ignore_values]

    @property
    def has_colours(self) -> bool:
        """True when its values are colours."""
        return any(values.is_colour for values in self.all_values())

    def source_values(self) -> dict[str, tuple[Values, ...]]:
        """Return, for label maps, each target and the values whose union it is, in the recipe's order."""
        single: dict[str, tuple[Values, ...]] = {}
        for value, target in (self.values or {}).items():
            single[target] = (*single.get(target, ()), value)
        return single | dict(self.composites)

    def targets(self) -> list[str]:
        """Return every target that this kind of file can hold."""
        if self.values is not None:
            return list(self.source_values())
        named = next((one for one in (self.names, self.segments, self.rois) if one is not None), None)
        return list(dict.fromkeys(named.values())) if named is not None else [str(self.target or self.instances)]

    def named_target(self, label: str) -> str | None:
        """Return the target of what `{label}` captured: an exact name first, then the first pattern that fits."""
        from fnmatch import fnmatchcase

        names = self.names or {}
        if label in names:
            return names[label]
        return next((target for pattern, target in names.items() if fnmatchcase(label, pattern)), None)

    def ignores(self, label: str) -> bool:
        """Tell whether what `{label}` captured is known not to be a target."""
        from fnmatch import fnmatchcase

        return any(fnmatchcase(label, pattern) for pattern in self.ignore_names)

    @property
    def is_structured(self) -> bool:
        """True for objects that name their masks themselves: DICOM SEG and RTSTRUCT, .seg.nrrd."""
        return self.segments is not None or self.rois is not None

    @property
    def negatives(self) -> bool:
        """True when a target of the entry that is not there was looked for."""
        return (self.labelled or ("present" if self.names is not None else "all")) == "all"
