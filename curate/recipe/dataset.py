"""What a recipe says of a dataset as a whole: its facts, its origin, its splits, what to leave out and to expect."""

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from curate.plugins import StrictModel, nearest
from curate.recipe.paths import check_relative, compile_path, compiled

_IDENTIFIER = r"^[a-z0-9][a-z0-9._-]*$"

Split = Literal["train", "val", "test"]
LicenceState = Literal["stated", "unclear", "conflict"]


class DatasetFacts(StrictModel):
    """What the dataset is, whose it is, and what one may do with it."""

    id: Annotated[str, Field(pattern=_IDENTIFIER)]
    """Equal to the file name of the recipe; first part of every image_id."""
    title: str
    licence: str
    """SPDX identifier, or a named licence, or `unclear`."""
    licence_evidence: str
    """Where it is stated, in what words."""
    licence_conflict: str | None = None
    """What another place says instead, where two statements cannot both hold."""
    citation: str
    homepage: str | None = None
    source: str
    """Repository and revision, release or DOI that the recipe was written for."""
    annotation: str
    """Who or what made the masks: human, semi-automatic, model output, phantom."""
    region: str
    """Body region, unless an image entry says otherwise."""
    unverified: tuple[str, ...] = ()
    """What of this recipe rests on one report or on memory and could not be looked up; none: all of it is verified."""

    @property
    def verified(self) -> bool:
        """True when nothing is left to be looked up."""
        return not self.unverified

    @property
    def licence_state(self) -> LicenceState:
        """What is known of the licence: stated, unclear, or stated in two ways that conflict."""
        if self.licence_conflict is not None:
            return "conflict"
        return "unclear" if self.licence == "unclear" else "stated"


class Origin(StrictModel):
    """Another dataset that this one took images from."""

    dataset: Annotated[str, Field(pattern=_IDENTIFIER)]
    relation: Literal["all_images", "some_images", "same_patients"]
    evidence: str
    """Where it is stated."""
    case: str | None = None
    """Regular expression that the whole key of a case must match to be one of these; default: not known which."""
    origin_case: str | None = None
    """Its key over there; `\\1` stands for the first group of `case`."""
    cases: dict[str, str] = {}
    """Key here -> key over there, where no expression says it."""

    @model_validator(mode="after")
    def _case_map(self) -> "Origin":
        if (self.case is None) != (self.origin_case is None):
            raise ValueError("`case` and `origin_case` go together")
        if self.case is not None:
            try:
                re.sub(f"{self.case}|", str(self.origin_case), "")  # or nothing at all, so that it always matches
            except (re.error, IndexError) as error:
                raise ValueError(f"`{self.case}` -> `{self.origin_case}` cannot work: {error}") from error
        return self

    def of(self, key: str) -> str | None:
        """Return `<dataset>/<case>` that a case was taken from, or None where the recipe does not know."""
        found = self.cases.get(key)
        if found is None and self.case is not None and (match := re.fullmatch(self.case, key)):
            found = match.expand(str(self.origin_case))
        return None if found is None else f"{self.dataset}/{found}"


class Exclusion(StrictModel):
    """Cases or files that are left out on purpose."""

    case: str | None = None
    """Key of one case."""
    cases: str | None = None
    """Regular expression that the whole key must match."""
    file: str | None = None
    """Path of one file of a case that stays; `*` stands for anything within one folder."""
    reason: str

    @model_validator(mode="after")
    def _one_of(self) -> "Exclusion":
        if [self.case, self.cases, self.file].count(None) != 2:
            raise ValueError("give one of `case`, a key, `cases`, a regular expression of keys, and `file`, a path")
        if self.cases is not None:
            compiled(self.cases)
        if self.file is not None and compile_path(self.file).groups:
            raise ValueError(f"`{self.file}` may have * in it, but no fields")
        return self

    def holds(self, key: str, path: str) -> bool:
        """Tell whether it leaves out a file of a case."""
        if self.file is not None:
            return compile_path(self.file).fullmatch(path) is not None
        return key == self.case or (self.cases is not None and re.fullmatch(self.cases, key) is not None)


class LabelledCases(StrictModel):
    """What was looked for in some cases, where that differs from the rest: other targets are unknown in them."""

    cases: str
    """Regular expression that the whole key must match."""
    targets: tuple[str, ...]

    @field_validator("cases")
    @classmethod
    def _expression(cls, cases: str) -> str:
        compiled(cases)
        return cases


class SplitList(StrictModel):
    """A list of the source that names the cases of one split."""

    file: str
    """Text, CSV or JSON, relative to the source root."""
    split: Split
    case: str = r"^\s*(\S+)\s*$"
    """Regular expression whose first group is a case key; it is looked for in every line, or in every JSON string."""
    key: str | None = None
    """For JSON: where in it, such as `0.val` or `training`."""

    @model_validator(mode="after")
    def _sound(self) -> "SplitList":
        if compiled(self.case).groups < 1:
            raise ValueError("`case` needs a group in parentheses that captures the case key")
        check_relative(self.file)
        if self.key is not None and not self.file.endswith(".json"):
            raise ValueError("`key` goes with a JSON file")
        return self


class Splits(StrictModel):
    """How images are split: as the source says, and by a hash of the patient key where it says nothing."""

    train: float = 0.8
    val: float = 0.1
    test: float = 0.1
    names: dict[str, Split] = {}
    """What `{split}` captures -> split, where the source's words differ from train, val, test."""
    lists: tuple[SplitList, ...] = ()
    cases: dict[Split, tuple[str, ...]] = {}
    """Split -> case keys, for lists that exist only on paper."""

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
    """Code -> rows, for every stage but `rule`; faults that are not listed are expected never."""

    @field_validator("rejections")
    @classmethod
    def _known_codes(cls, rejections: dict[str, int]) -> dict[str, int]:
        from curate.rejections import CODES

        for code in rejections:
            if code not in CODES:
                raise ValueError(f"`{code}` is not a rejection code{nearest(code, CODES)}")
        return rejections
