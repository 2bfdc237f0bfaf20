"""Find the DICOM series in a folder, and choose one, by headers alone."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from curate.dicom.dataset import open_dataset, reading
from curate.dicom.pattern import fits
from curate.dicom.reference import referenced_series
from curate.errors import ReadError

_TAGS = (
    "SeriesInstanceUID",
    "SeriesDescription",
    "Modality",
    "StudyInstanceUID",
    "FrameOfReferenceUID",
    "PatientID",
    "NumberOfFrames",
    "Rows",
)
_PATIENT_KEY_DIGITS = 16
_MOST_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Series:
    """The files of one DICOM series, and what is needed to choose it."""

    uid: str
    """SeriesInstanceUID; empty where anonymising took it, and then the files are those of one folder."""
    description: str = field(repr=False)
    """Free text of the scanner, to choose by; never put it into a table or a message."""
    modality: str
    """As DICOM spells it: CT, MR, PT, US, SEG, RTSTRUCT ..."""
    study_uid: str
    frame_of_reference_uid: str | None
    patient_key: str | None
    """First 16 hexadecimal digits of the SHA-256 of the PatientID; None where the files state none."""
    n_frames: int
    """Planes with pixels, over all files; 0 for structure sets."""
    files: tuple[Path, ...] = field(repr=False)
    """Sorted by path, which says nothing about their order in space."""

    @property
    def shown(self) -> str:
        """How messages name it."""
        return f"series {self.uid}" if self.uid else f"folder {self.files[0].parent.name}"


@dataclass(frozen=True, slots=True)
class OtherFile:
    """A file that belongs to no series."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Survey:
    """Every file below a folder: in exactly one series, or among the others."""

    series: tuple[Series, ...]
    """Sorted by uid, then by path."""
    others: tuple[OtherFile, ...]
    """Sorted by path."""


def survey(folder: Path) -> Survey:
    """Read the headers of all files below a folder, whatever their names, and group them into series.

    Files whose SeriesInstanceUID was blanked are grouped by folder.
    """
    members: dict[tuple[str, str], list[tuple[Path, dict[str, Any]]]] = {}
    others: list[OtherFile] = []
    for path in _files(folder):
        try:
            facts = _facts(path)
        except ReadError as error:
            others.append(OtherFile(path, str(error)))
        else:
            uid = facts["SeriesInstanceUID"]
            members.setdefault((uid, "" if uid else str(path.parent)), []).append((path, facts))
    return Survey(tuple(_series(members[key]) for key in sorted(members)), tuple(others))


def find_series(folder: Path) -> list[Series]:
    """Return the series below a folder, sorted by uid; `survey` also lists the files that belong to none."""
    return list(survey(folder).series)


def choose(
    series: Iterable[Series],
    uid: str | None = None,
    description: str | None = None,
    modality: str | None = None,
    referenced_by: Path | None = None,
) -> Series:
    """Return the one series that fits every condition given.

    Args:
        series: What to choose from.
        uid: Its SeriesInstanceUID.
        description: Regular expression to be found in its SeriesDescription.
        modality: Its modality, as DICOM spells it.
        referenced_by: A segmentation or structure set that was drawn on it.

    Raises:
        ReadError: `no_image` when none fits, `ambiguous_file` when several do.
        UsageError: When `description` is no regular expression.
    """
    offered = list(series)
    referenced = None if referenced_by is None else referenced_series(referenced_by)
    fitting = [
        one
        for one in offered
        if (uid is None or one.uid == uid)
        and (modality is None or one.modality == modality)
        and (description is None or fits(description, one.description))
        and (referenced is None or one.uid in referenced)
    ]
    if len(fitting) == 1:
        return fitting[0]
    wish = {"uid": uid, "description": description, "modality": modality}
    wish["referenced by"] = None if referenced_by is None else referenced_by.name
    asked = ", ".join(f"{key} {value}" for key, value in wish.items() if value is not None) or "no condition"
    code = "ambiguous_file" if fitting else "no_image"
    shown = _listed(fitting or offered)
    raise ReadError(code, f"{len(fitting)} of {len(offered)} series fit ({asked}), expected one; {shown}")


def _files(folder: Path) -> Iterator[Path]:
    found = (Path(where, name) for where, _, names in os.walk(folder) for name in names)
    return iter(sorted(path for path in found if path.is_file()))


def _facts(path: Path) -> dict[str, Any]:
    """Read what groups and describes a file.

    Raises:
        ReadError: For files that belong to no series.
    """
    with reading(path):
        dataset = open_dataset(path, tags=_TAGS)
        facts: dict[str, Any] = {tag: str(dataset.get(tag) or "") for tag in _TAGS}
        facts["frames"] = int(dataset.get("NumberOfFrames") or 1) if "Rows" in dataset else 0
    if not facts["Modality"]:
        raise ReadError("unreadable", f"{path.name}: DICOM that states no modality: no member of a series")
    return facts


def _series(members: list[tuple[Path, dict[str, Any]]]) -> Series:
    _, facts = members[0]
    return Series(
        uid=facts["SeriesInstanceUID"],
        description=facts["SeriesDescription"],
        modality=facts["Modality"],
        study_uid=facts["StudyInstanceUID"],
        frame_of_reference_uid=facts["FrameOfReferenceUID"] or None,
        patient_key=_patient_key(facts["PatientID"]),
        n_frames=sum(member["frames"] for _, member in members),
        files=tuple(path for path, _ in members),
    )


def _patient_key(patient_id: str) -> str | None:
    return hashlib.sha256(patient_id.encode()).hexdigest()[:_PATIENT_KEY_DIGITS] if patient_id else None


def _listed(series: list[Series]) -> str:
    shown = "; ".join(f"{one.shown} ({one.modality}, {one.n_frames} frames)" for one in series[:_MOST_SHOWN])
    more = f"; and {len(series) - _MOST_SHOWN} more" if len(series) > _MOST_SHOWN else ""
    return f"found {shown}{more}" if series else "found none"
