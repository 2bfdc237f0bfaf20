"""A suite: a named list of evaluation tasks, and its plan over a store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from bench import protocols
from curate import manifest
from curate.errors import ConfigError, StoreError, UnknownNameError, UsageError
from curate.files import sha256_of_json
from curate.plugins import StrictModel, find, load_toml, nearest
from curate.vocabulary import KINDS, Vocabulary

Patterns = Annotated[tuple[str, ...], Field(min_length=1)]
Tolerance = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_ALL: tuple[str, ...] = ("*",)
_FEW = 16
"""Up to so many known words are listed in a message."""


class ProtocolChoice(StrictModel):
    """Which protocol, in which version, with which parameters."""

    name: str
    version: int
    parameters: dict[str, Any] = {}


class MetricChoice(StrictModel):
    """What the metrics need to be told."""

    nsd_tolerance_mm: Tolerance = 1.0
    nsd_tolerance_pixels: Tolerance = 1.0
    """For images without spacing, whose distances are in pixels."""


class Group(StrictModel):
    """Masks that belong together; every pattern may hold `*`, `?` and `[...]` as in file names."""

    name: str
    datasets: Patterns = _ALL
    targets: Patterns = _ALL
    modalities: Patterns = _ALL
    kinds: Patterns = _ALL
    splits: Patterns = _ALL
    stated: Literal["seen", "unseen"] | None = None
    """What the paper behind the suite says of this group; kept beside what is computed."""


class Suite(StrictModel):
    """One suite. A mask belongs to the first group that takes it; masks of no group are not evaluated."""

    schema_version: Annotated[Literal[1], Field(alias="schema")]
    name: str
    version: int
    description: str
    source: str
    protocol: ProtocolChoice
    metrics: MetricChoice = MetricChoice()
    groups: Annotated[tuple[Group, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _name_groups_once(self) -> "Suite":
        names = [group.name for group in self.groups]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"group `{twice[0]}` is given twice")
        return self

    @property
    def sha256(self) -> str:
        """Hash of the suite's content."""
        return sha256_of_json(self.model_dump(mode="json", by_alias=True))


@dataclass(frozen=True, slots=True)
class Unit:
    """One image and all its masks that a suite evaluates: the unit of work."""

    image: Mapping[str, Any]
    """Row of the images table."""
    masks: tuple[Mapping[str, Any], ...]
    """Rows of the masks table, with `suite_group`, sorted by mask_id."""
    split: str | None
    """The source's own split; None where the store drew it."""


def load(name_or_path: str) -> Suite:
    """Load a suite that ships, or one of the user's own.

    Raises:
        ConfigError: For a broken suite, or one that names no known target, modality or protocol.
        UnknownNameError: For a name or path that is not there.
    """
    path = find("suites", name_or_path)
    suite = load_toml(path, Suite)
    try:
        protocols.load(suite.protocol.name, suite.protocol.version, suite.protocol.parameters)
        for group in suite.groups:
            _check_words(group)
    except UsageError as error:
        raise ConfigError(f"{path}: {error}") from error
    return suite


def plan(suite: Suite, store: Path, limit: int | None = None) -> list[Unit]:
    """List the units of a suite that a store can run, sorted by image_id.

    Args:
        suite: What to evaluate.
        store: Root of a store.
        limit: At most this many images.

    Raises:
        StoreError: When there is no finished store, or its tables do not fit together.
        UsageError: When no mask of the store belongs to the suite, or for a limit below one.
    """
    if limit is not None and limit < 1:
        raise UsageError(f"--limit {limit}: give 1 or more, or leave it out for all images")
    images = {row["image_id"]: row for row in manifest.read_table(store, "images").to_pylist()}
    splits = {row["image_id"]: row for row in manifest.read_table(store, "splits").to_pylist()}
    masks: dict[str, list[dict[str, Any]]] = {}
    for row in manifest.read_table(store, "masks").to_pylist():
        if row["image_id"] not in images.keys() & splits.keys():
            raise StoreError(
                f"{store}: {row['image_id']} has a mask but no image or split; see `curate verify {store}`"
            )
        group = _group(suite, row, splits[row["image_id"]]["split"])
        if group is not None:
            masks.setdefault(row["image_id"], []).append({**row, "suite_group": group})
    if not masks:
        raise UsageError(f"no mask of {store} belongs to suite `{suite.name}`; see `curate stats {store}`")
    units = [
        Unit(images[image_id], tuple(sorted(masks[image_id], key=_mask_id)), _official(splits[image_id]))
        for image_id in sorted(masks)
    ]
    return units if limit is None else units[:limit]


def missing_datasets(suite: Suite, present: Sequence[str]) -> list[str]:
    """Return the datasets that a suite names outright and a store does not have."""
    named = {pattern for group in suite.groups for pattern in group.datasets if not _is_pattern(pattern)}
    return sorted(named - set(present))


def _group(suite: Suite, mask: Mapping[str, Any], split: str) -> str | None:
    for group in suite.groups:
        wanted = (
            (group.datasets, mask["dataset"]),
            (group.targets, mask["target"]),
            (group.modalities, mask["modality"]),
            (group.kinds, mask["kind"]),
            (group.splits, split),
        )
        if all(any(fnmatchcase(value, pattern) for pattern in patterns) for patterns, value in wanted):
            return group.name
    return None


def _mask_id(mask: Mapping[str, Any]) -> str:
    return str(mask["mask_id"])


def _official(split: Mapping[str, Any]) -> str | None:
    return str(split["split"]) if split["origin"] == "official" else None


def _check_words(group: Group) -> None:
    vocabulary = Vocabulary.load()
    for modality in group.modalities:
        if not _is_pattern(modality):
            vocabulary.modality(modality)
    for target in group.targets:
        if not _is_pattern(target):
            vocabulary.target(target)
    known = {
        "target": (group.targets, vocabulary.targets),
        "modality": (group.modalities, vocabulary.sequences_of),
        "kind": (group.kinds, KINDS),
        "split": (group.splits, ("train", "val", "test")),
    }
    for what, (patterns, words) in known.items():
        for pattern in patterns:
            if not any(fnmatchcase(word, pattern) for word in words):
                some = f"; known: {', '.join(words)}" if len(words) <= _FEW else ""
                raise UnknownNameError(
                    f"group `{group.name}`: unknown {what} `{pattern}`{nearest(pattern, words)}{some}"
                )


def _is_pattern(word: str) -> bool:
    return bool(set(word) & set("*?["))
