"""One target of the vocabulary, and how `targets.csv` spells it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Target:
    """One thing that can be segmented; absent values are None."""

    slug: str
    name: str
    kind: str
    side: str | None
    """`left` or `right` of the patient; None for what lies in the middle, and for the parts of a named pair."""
    opposite: str | None
    """Slug of the same structure on the other side of the body."""
    parent: str | None
    union_of: tuple[str, ...]
    """Slugs that this target is the union of, where datasets label the union as one thing; else empty."""
    region: str
    anatomy_group: str | None
    snomed_category: str | None
    """SNOMED CT codes as in DICOM segmentations, where `code_source` states them for this very structure."""
    snomed_type: str | None
    snomed_laterality: str | None
    snomed_region: str | None
    """Where a lesion or a tissue lies: the code of its organ, beside the type of what it is."""
    code_source: str | None
    note: str | None


_COLUMNS = tuple(field.name for field in fields(Target))


def target_of(row: Mapping[str, str]) -> Target:
    """Return the target of a row of `targets.csv`: empty cells are None, `a+b` in `union_of` is two slugs."""
    values: dict[str, Any] = {column: row[column] or None for column in _COLUMNS}
    return Target(**values | {"union_of": tuple(filter(None, row["union_of"].split("+")))})


def ancestors(targets: Mapping[str, Target], slug: str) -> tuple[str, ...]:
    """Return parent, grandparent and so on, nearest first; a circle is walked once."""
    found: list[str] = []
    parent = targets[slug].parent or ""
    while parent in targets and parent not in found:
        found.append(parent)
        parent = targets[parent].parent or ""
    return tuple(found)
