"""What the licences of datasets allow: the table `manifests/vocabulary/licences.csv`."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal, cast

from curate.errors import UnknownNameError
from curate.plugins import nearest, shipped_folder

Allowed = Literal["yes", "no", "unclear"]
ALLOWED = ("yes", "no", "unclear")
"""Closed list of what a licence may say to a use; `unclear`: its text decides case by case, or is not known."""


@dataclass(frozen=True, slots=True)
class Licence:
    """One licence, as recipes name it."""

    name: str
    """SPDX identifier where there is one, else a short name of our own."""
    title: str
    is_spdx: bool
    commercial: Allowed
    """Whether commercial use is allowed."""
    derivatives: Allowed
    """Whether changed copies may be passed on."""
    share_alike: Allowed
    """Whether changed copies must keep the licence."""
    url: str | None
    """Its text."""
    note: str | None


def licence(name: str) -> Licence:
    """Return a licence by name.

    Raises:
        UnknownNameError: When the table does not have it; the message names the nearest.
    """
    found = licences().get(name)
    if found is None:
        raise UnknownNameError(f"unknown licence `{name}`{nearest(name, licences())}; known: {', '.join(licences())}")
    return found


def commercial_use(name: str, conflict: str | None) -> Allowed:
    """Say whether a dataset may be used commercially.

    Args:
        name: Its licence; one that the table lacks says nothing.
        conflict: What another place says of the licence; while two statements conflict, neither counts.
    """
    found = licences().get(name)
    return "unclear" if found is None or conflict is not None else found.commercial


@cache
def licences() -> Mapping[str, Licence]:
    """Return the shipped table by name, read once."""
    with (shipped_folder("vocabulary") / "licences.csv").open(encoding="utf-8", newline="") as stream:
        return {row["licence"]: _licence(row) for row in csv.DictReader(stream)}


def _licence(row: Mapping[str, str]) -> Licence:
    return Licence(
        name=row["licence"],
        title=row["title"],
        is_spdx=row["spdx"] == "yes",
        commercial=cast("Allowed", row["commercial"]),
        derivatives=cast("Allowed", row["derivatives"]),
        share_alike=cast("Allowed", row["share_alike"]),
        url=row["url"] or None,
        note=row["note"] or None,
    )
