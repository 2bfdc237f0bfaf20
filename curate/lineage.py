"""Which public dataset holds images of which: the table `manifests/vocabulary/lineage.csv`.

A row says what the makers of `dataset`, the later one, did with images of `other`. Names are recipe ids, or ids of
`unshipped.csv`, which lists the datasets that have no recipe.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from curate.plugins import shipped_folder

RELATIONS: Mapping[str, str] = {
    "contains": "`dataset` is a larger edition or collection with all images of `other`",
    "reuses": "images of `dataset` are images of `other`",
    "reannotates": "images of `dataset` are images of `other`, with masks of its own",
    "resplits": "images of `dataset` are images of `other` with their masks, under other names or in other splits",
    "same_patients": "`dataset` has other images of patients of `other`",
}
"""Closed list of relations. Seen and unseen treat all but the last alike: an image is the same under other masks."""

SHARES = ("all", "some", "")
"""Closed list of shares; empty: not stated. They are of the images of the public release, of challenges at least of the
training cases."""

Sharing = Literal["yes", "likely", "no"]


@dataclass(frozen=True, slots=True)
class Link:
    """One row of the table."""

    dataset: str
    other: str
    relation: str
    verified: bool
    evidence: str
    """Where it is stated, or what it rests on."""
    dataset_share: str = ""
    """How much of `dataset` is from `other`: a word of `SHARES`."""
    other_share: str = ""
    """How much of `other` is in `dataset`; `all` for what `dataset` contains."""
    case_map: str | None = None
    """Which case is which: `recipe` (its `[[derived_from]]` says it), `EXPRESSION -> KEY` as there, or where a list is
    published; None where no public one was found."""

    @property
    def shares_images(self) -> bool:
        """True when images of one are images of the other, not only of the same patients."""
        return self.relation != "same_patients"

    def within(self, one: str, other: str) -> bool:
        """Say whether, of its two datasets, every image of `one` is certainly in `other`."""
        if not (self.shares_images and self.verified):
            return False
        if (one, other) == (self.dataset, self.other):
            return self.dataset_share == "all"
        return (one, other) == (self.other, self.dataset) and self.other_share == "all"


@dataclass(frozen=True, slots=True)
class Lineage:
    """All links between datasets."""

    links: tuple[Link, ...]

    @staticmethod
    def load() -> "Lineage":
        """Return the shipped table, read once."""
        return _load(shipped_folder("vocabulary") / "lineage.csv")

    @property
    def datasets(self) -> frozenset[str]:
        """Ids of all datasets that stand in the table."""
        return frozenset(name for link in self.links for name in (link.dataset, link.other))

    def sources(self, dataset: str, *, verified: bool = True) -> frozenset[str]:
        """Return `dataset` and everything that it took images from, however indirectly.

        Args:
            dataset: Recipe id; one that the table does not know is its own only source.
            verified: True follows verified links between images only; False also others, and links between patients.
        """
        found, todo = {dataset}, [dataset]
        while todo:
            name = todo.pop()
            followed = (link for link in self.links if link.dataset == name)
            new = {link.other for link in followed if not verified or (link.verified and link.shares_images)} - found
            found |= new
            todo += new
        return frozenset(found)

    def sharing(self, one: str, other: str) -> Sharing:
        """Say whether two datasets share images: they do when they have a source in common."""
        if self.sources(one) & self.sources(other):
            return "yes"
        if self.sources(one, verified=False) & self.sources(other, verified=False):
            return "likely"
        return "no"


def unshipped() -> dict[str, dict[str, str]]:
    """Return the datasets of the table that have no recipe: id -> `title`, and `why` there is none."""
    with (shipped_folder("vocabulary") / "unshipped.csv").open(encoding="utf-8", newline="") as stream:
        return {row.pop("dataset"): row for row in csv.DictReader(stream)}


@cache
def _load(path: Path) -> Lineage:
    with path.open(encoding="utf-8", newline="") as stream:
        return Lineage(tuple(_link(row) for row in csv.DictReader(stream)))


def _link(row: Mapping[str, str]) -> Link:
    return Link(
        dataset=row["dataset"],
        other=row["other"],
        relation=row["relation"],
        verified=row["verified"] == "yes",
        evidence=row["evidence"],
        dataset_share=row["dataset_share"],
        other_share=row["other_share"],
        case_map=row["case_map"] or None,
    )
