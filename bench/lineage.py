"""Which public dataset took images from which: the table `manifests/vocabulary/lineage.csv`.

A row says that `dataset` holds images of `other`; `verified` is `no` where that is only likely. Names are recipe ids.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from curate.plugins import shipped_folder

RELATIONS: Mapping[str, str] = {
    "contains": "all images of `other` are in `dataset`",
    "reuses": "some images of `dataset` are from `other`",
    "reannotates": "images of `dataset` are images of `other`, with masks of its own",
}
"""Closed list of relations. Seen and unseen treat them alike: an image is the same image under other masks."""

Sharing = Literal["yes", "likely", "no"]


@dataclass(frozen=True, slots=True)
class Link:
    """One row of the table."""

    dataset: str
    other: str
    relation: str
    verified: bool
    evidence: str


@dataclass(frozen=True, slots=True)
class Lineage:
    """All links between datasets."""

    links: tuple[Link, ...]

    @staticmethod
    def load() -> "Lineage":
        """Return the shipped table, read once."""
        return _load(shipped_folder("vocabulary") / "lineage.csv")

    def sources(self, dataset: str, *, verified: bool = True) -> frozenset[str]:
        """Return `dataset` and everything that it took images from, however indirectly.

        Args:
            dataset: Recipe id; one that the table does not know is its own only source.
            verified: True follows verified links only.
        """
        found, todo = {dataset}, [dataset]
        while todo:
            name = todo.pop()
            new = {
                link.other for link in self.links if link.dataset == name and (link.verified or not verified)
            } - found
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


@cache
def _load(path: Path) -> Lineage:
    with path.open(encoding="utf-8", newline="") as stream:
        return Lineage(
            tuple(
                Link(row["dataset"], row["other"], row["relation"], row["verified"] == "yes", row["evidence"])
                for row in csv.DictReader(stream)
            )
        )
