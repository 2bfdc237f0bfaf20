"""What a draft is going to say, before it is written as TOML."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Meaning = Literal["values", "names", "target", "segments", "rois"]


@dataclass(frozen=True, slots=True)
class Unmapped:
    """Something that the source calls by a word which is not in the vocabulary: a person decides."""

    key: str
    """A value, what `{label}` captures, a pattern on a segment's name, or `target` for files of one mask."""
    source_name: str | None = None
    """What the source calls it; None where it gives no name."""
    nearest: str | None = None
    """The vocabulary's nearest word."""


@dataclass(frozen=True, slots=True)
class Labels:
    """What label files hold, as far as names and values tell."""

    meaning: Meaning
    mapped: Mapping[str, str] = field(default_factory=dict)
    """Value, name or pattern -> target; `{"": target}` for files of one mask."""
    unmapped: tuple[Unmapped, ...] = ()
    composites: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    ignore_values: tuple[int, ...] = ()
    merge: bool = False
    threshold: int | None = None
    comments: tuple[str, ...] = ()

    @property
    def targets(self) -> tuple[str, ...]:
        """Every target that is named."""
        return tuple(dict.fromkeys([*self.mapped.values(), *self.composites]))


@dataclass(frozen=True, slots=True)
class ImageEntry:
    """An `[[images]]` table."""

    path: str
    modality: str
    sequence: str | None = None
    channel: str | None = None
    case: str | None = None
    volume_index: int | None = None
    series_modality: str | None = None
    """Modality as DICOM spells it, where a folder holds several series."""
    comments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LabelEntry:
    """A `[[labels]]` table."""

    path: str
    labels: Labels
    images: tuple[str, ...] | None = None
    case: str | None = None
    rater: str | None = None
    comments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """What the source says of itself; a person supplies the rest."""

    title: str | None = None
    licence: str | None = None
    citation: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole recipe."""

    layout: str
    """What was recognised."""
    images: tuple[ImageEntry, ...]
    labels: tuple[LabelEntry, ...]
    facts: Facts = Facts()
    region: str | None = None
    """Body region, where no target tells it."""
    patient: str | None = None
    """Regular expression on the case key."""
    split_names: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def targets(self) -> tuple[str, ...]:
        """Every target that is named, in order."""
        return tuple(dict.fromkeys(target for entry in self.labels for target in entry.labels.targets))
