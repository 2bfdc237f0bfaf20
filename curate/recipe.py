r"""The recipe: one TOML file that explains a source tree, without code.

A path such as `imagesTr/{case}_0000.nii.gz` names files relative to the source root. `{case}` ties images and labels
together; `{label}` is a structure's name in one-file-per-structure layouts; `{patient}` and `{split}` may stand in it
too; `{case:\d+}` narrows a field by a regular expression; `*` stands for anything within one folder.
"""

import re
from functools import cached_property
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from curate.errors import ConfigError, UnknownNameError
from curate.files import sha256_of_json
from curate.plugins import StrictModel, find, load_toml, nearest
from curate.vocabulary import Vocabulary

_MEANINGS = ("values", "names", "target", "segments", "rois")
FIELDS = ("case", "patient", "split", "label")
_FIELD = re.compile(r"\{(\w+)(?::((?:[^{}]|\{[^{}]*\})+))?\}|\*")
_IDENTIFIER = r"^[a-z0-9][a-z0-9._-]*$"
_CHANNEL = r"^[A-Za-z0-9][A-Za-z0-9_-]*$"

Split = Literal["train", "val", "test"]


class DatasetFacts(StrictModel):
    """What the dataset is, whose it is, and what one may do with it."""

    id: Annotated[str, Field(pattern=_IDENTIFIER)]
    """Equal to the file name of the recipe; first part of every image_id."""
    title: str
    licence: str
    """SPDX identifier, or a named licence, or `unclear`."""
    licence_evidence: str
    citation: str
    homepage: str | None = None
    source: str
    """Repository and revision, release or DOI that the recipe was written for."""
    annotation: str
    """Who or what made the masks: human, semi-automatic, model output, phantom."""
    region: str
    """Body region, unless an image entry says otherwise."""


class RecipeFiles(StrictModel):
    """Files of one role."""

    path: str
    case: Annotated[str, Field(pattern=_CHANNEL)] | None = None
    """Case key, where the path captures none."""

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The path as a regular expression."""
        return compile_path(self.path)

    @property
    def is_folder(self) -> bool:
        """True for a path that names a folder of files, which together are one image."""
        return self.path.endswith("/")

    @property
    def literal(self) -> int:
        """How many characters of the path are spelt out: the most specific of several matches wins."""
        return len(_FIELD.sub("", self.path))


class SeriesChoice(StrictModel):
    """Which DICOM series of a folder is the image, where there are several."""

    uid: str | None = None
    """Its SeriesInstanceUID."""
    description: str | None = None
    """Regular expression to be found in its SeriesDescription."""
    modality: str | None = None
    """Its modality as DICOM spells it, such as PT."""

    @field_validator("description")
    @classmethod
    def _expression(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            _compiled(pattern)
        return pattern


class ImageFiles(RecipeFiles):
    """One channel of the dataset's images; a path that ends in `/` is a folder with the files of a DICOM series."""

    channel: Annotated[str, Field(pattern=_CHANNEL)] | None = None
    """Name of the channel, where a case has several."""
    modality: str
    sequence: str | None = None
    region: str | None = None
    series: SeriesChoice | None = None

    @model_validator(mode="after")
    def _series_of_a_folder(self) -> "ImageFiles":
        if self.series is not None and not self.is_folder:
            raise ValueError("`series` goes with a path that ends in /, a folder of DICOM files")
        return self


class LabelFiles(RecipeFiles):
    """One kind of label file, and what it holds: exactly one of the first five keys below `images` says so."""

    images: tuple[str, ...] | None = None
    """Channels that it annotates; default: every image of the case."""
    values: dict[int, str] | None = None
    """For label maps: value -> target. 0 is background."""
    names: dict[str, str] | None = None
    """For one file per structure: what `{label}` captured -> target."""
    target: str | None = None
    """For files that hold one mask: the target; anything but 0 is foreground."""
    segments: dict[str, str] | None = None
    """For DICOM SEG: regular expression on the segment label, or code such as `SCT:10200004` -> target."""
    rois: dict[str, str] | None = None
    """For DICOM RTSTRUCT: regular expression on the ROI name -> target."""
    composites: dict[str, tuple[int, ...]] = {}
    """Further targets that are unions of values: kidney = [1, 2, 3]."""
    ignore_values: tuple[int, ...] = ()
    """Values that are known not to be targets."""
    rater: Annotated[str, Field(pattern=_CHANNEL)] | None = None
    """Tells several segmentations of one target apart; becomes part of the mask_id."""
    merge: bool = False
    """For one file per part: files of a case whose names map to one target are parts of one mask, their union."""

    @model_validator(mode="after")
    def _one_meaning(self) -> "LabelFiles":
        given = [key for key in _MEANINGS if getattr(self, key) is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of {', '.join(_MEANINGS)}; found {', '.join(given) or 'none'}")
        if self.is_folder:
            raise ValueError("label files are single files; only images can be folders")
        for pattern in (*(self.segments or {}), *(self.rois or {})):
            _compiled(pattern)
        if (self.names is not None) != ("{label" in self.path):
            raise ValueError("`names` goes with a path that has {label}, and only with it")
        if self.merge and self.names is None:
            raise ValueError("`merge` goes with `names`")
        return self

    @model_validator(mode="after")
    def _sound_values(self) -> "LabelFiles":
        if (self.composites or self.ignore_values) and self.values is None:
            raise ValueError("`composites` and `ignore_values` go with `values`")
        if 0 in (self.values or {}):
            raise ValueError("value 0 is background and cannot be a target")
        for target, union in self.composites.items():
            if not union or 0 in union:
                raise ValueError(f"composite `{target}` needs values, and 0 is background")
        for value in self.ignore_values:
            if value in (self.values or {}):
                raise ValueError(f"value {value} stands in `ignore_values` and names a target")
        return self

    def source_values(self) -> dict[str, tuple[int, ...]]:
        """Return, for label maps, each target and the values whose union it is, in the recipe's order."""
        single: dict[str, tuple[int, ...]] = {}
        for value, target in (self.values or {}).items():
            single[target] = (*single.get(target, ()), value)
        return single | {target: tuple(values) for target, values in self.composites.items()}

    def targets(self) -> list[str]:
        """Return every target that this kind of file can hold."""
        if self.values is not None:
            return list(self.source_values())
        named = self.names or self.segments or self.rois
        return list(dict.fromkeys(named.values())) if named is not None else [str(self.target)]

    @property
    def is_dicom(self) -> bool:
        """True for objects that name their masks themselves and can be read only on an image's grid."""
        return self.segments is not None or self.rois is not None


class Exclusion(StrictModel):
    """A case that is left out on purpose."""

    case: str
    reason: str


class Splits(StrictModel):
    """How images are split when the path captures no `{split}`: by a hash of the patient key."""

    train: float = 0.8
    val: float = 0.1
    test: float = 0.1
    names: dict[str, Split] = {}
    """What `{split}` captures -> split, where the source's words differ from train, val, test."""

    @model_validator(mode="after")
    def _whole(self) -> "Splits":
        shares = (self.train, self.val, self.test)
        if not (abs(sum(shares) - 1) <= 1e-9 and min(shares) >= 0):  # NaN fails both
            raise ValueError("train, val and test must be shares that add up to 1")
        return self


class Expect(StrictModel):
    """What building the pinned release must find: the recipe's own test."""

    cases: int | None = None
    images: int | None = None
    masks: int | None = None
    """Masks of the profile `native`."""
    rejections: dict[str, int] = {}
    """Code -> rows, for every stage but `rule`; codes that are not listed are expected never."""

    @field_validator("rejections")
    @classmethod
    def _known_codes(cls, rejections: dict[str, int]) -> dict[str, int]:
        from curate.rejections import CODES

        for code in rejections:
            if code not in CODES:
                raise ValueError(f"`{code}` is not a rejection code{nearest(code, CODES)}")
        return rejections


class Recipe(StrictModel):
    """One source tree, explained."""

    schema_version: Annotated[Literal[1], Field(alias="schema")]
    dataset: DatasetFacts
    images: Annotated[tuple[ImageFiles, ...], Field(min_length=1)]
    labels: Annotated[tuple[LabelFiles, ...], Field(min_length=1)]
    patient: str | None = None
    """Regular expression on the case key; its first group is the patient key. Default: the case is the patient."""
    exclude: tuple[Exclusion, ...] = ()
    splits: Splits = Splits()
    expect: Expect = Expect()

    @field_validator("patient")
    @classmethod
    def _a_group(cls, pattern: str | None) -> str | None:
        if pattern is not None and _compiled(pattern).groups < 1:
            raise ValueError("needs a group in parentheses that captures the patient key")
        return pattern

    @model_validator(mode="after")
    def _consistent(self) -> "Recipe":
        entries: list[RecipeFiles] = [*self.images, *self.labels]
        for entry in entries:
            if ("case" in entry.pattern.groupindex) == (entry.case is not None):
                raise ValueError(f"path `{entry.path}` needs {{case}} in it, or a `case` beside it, and not both")
        channels = {image.channel for image in self.images}
        for label in self.labels:
            for name in label.images or ():
                if name not in channels:
                    known = ", ".join(sorted(str(channel) for channel in channels))
                    raise ValueError(f"labels `{label.path}` name the channel `{name}`; channels are: {known}")
        return self

    @property
    def sha256(self) -> str:
        """Hash of the recipe's content, blind to comments and layout."""
        return sha256_of_json(self.model_dump(mode="json", by_alias=True))

    def targets(self) -> list[str]:
        """Return every target of the dataset, in the recipe's order; a target's place is its label value plus one."""
        return list(dict.fromkeys(target for label in self.labels for target in label.targets()))


def load(name_or_path: str) -> Recipe:
    """Load a recipe that ships, or one of the user's own.

    Raises:
        ConfigError: For a broken recipe, in one line that says what to type.
        UnknownNameError: For a name or path that is not there.
    """
    path = find("recipes", name_or_path)
    recipe = load_toml(path, Recipe)
    if recipe.dataset.id != path.stem:
        raise ConfigError(f"{path}: `dataset.id` is `{recipe.dataset.id}`; rename the file or set it to `{path.stem}`")
    try:
        _check_words(recipe, Vocabulary.load())
    except UnknownNameError as error:
        raise ConfigError(f"{path}: {error}") from error
    return recipe


def compile_path(path: str) -> re.Pattern[str]:
    """Turn a path with fields into a regular expression over relative POSIX paths.

    Raises:
        ValueError: For absolute paths, `..`, unknown fields and broken field expressions.
    """
    plain = PurePosixPath(_FIELD.sub("x", path))
    if plain.is_absolute() or ".." in plain.parts or "\\" in _FIELD.sub("x", path):
        raise ValueError(f"path `{path}` must be relative to the source root, with / and without ..")
    if re.search("[{}]", str(plain)):
        raise ValueError(f"path `{path}` has a brace that belongs to no field; write {{case}}, or {{case:EXPRESSION}}")
    parts: list[str] = []
    end = 0
    for match in _FIELD.finditer(path):
        parts += [re.escape(path[end : match.start()]), _group(match, path)]
        end = match.end()
    return _compiled("".join([*parts, re.escape(path[end:])]))


def _group(match: re.Match[str], path: str) -> str:
    name, expression = match.group(1), match.group(2)
    if name is None:
        return "[^/]*"
    if name not in FIELDS:
        raise ValueError(f"path `{path}` has the unknown field {{{name}}}; fields are: {', '.join(FIELDS)}")
    if f"{{{name}" in path[: match.start()]:  # a field that stands twice must be the same text both times
        return f"(?P={name})"
    return f"(?P<{name}>{expression or '[^/]+?'})"


def _compiled(expression: str) -> re.Pattern[str]:
    try:
        return re.compile(expression)
    except re.error as error:
        raise ValueError(f"`{expression}` is no regular expression: {error}") from error


def _check_words(recipe: Recipe, vocabulary: Vocabulary) -> None:
    """Refuse targets, modalities and sequences that are not in the vocabulary."""
    for target in recipe.targets():
        vocabulary.target(target)
    for image in recipe.images:
        vocabulary.modality(image.modality)
        if image.sequence is not None:
            vocabulary.sequence(image.sequence, image.modality)
        vocabulary.region(image.region or recipe.dataset.region)


def as_json(recipe: Recipe) -> dict[str, Any]:
    """Return the recipe as JSON-like data, from which `Recipe.model_validate` makes it again on a worker."""
    return recipe.model_dump(mode="json", by_alias=True)
