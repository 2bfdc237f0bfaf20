"""The head of a report: how much there is, and what it was made by."""

from dataclasses import dataclass

from curate.report import counts
from curate.report.content import Content
from curate.report.order import FAULTS, Finding

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")
_STEP = 1024.0


@dataclass(frozen=True, slots=True)
class Facts:
    """What stands above everything else."""

    title: str
    answer: str
    """How much there is, in one sentence."""
    caveat: str
    """How much of it is not in order, in one sentence; empty where all is."""
    provenance: tuple[tuple[str, str], ...]
    """What it was made by, as name and value."""


def of(content: Content, found: tuple[Finding, ...]) -> Facts:
    """Say what a store is."""
    return Facts(
        f"Store report: {plural(len(content.datasets), 'dataset')}, {plural(len(content.images), 'image')}",
        answer=_answer(content),
        caveat=_caveat(found),
        provenance=_provenance(content),
    )


def plural(count: int, word: str) -> str:
    """Print a count of things."""
    return f"{count:,} {word}" + ("" if count == 1 else "s")


def size(count: int) -> str:
    """Print a number of bytes."""
    value, place = float(count), 0
    while value >= _STEP and place < len(_UNITS) - 1:
        value, place = value / _STEP, place + 1
    return f"{value:.3g} {_UNITS[place]}" if value < 1000 else f"{value:.0f} {_UNITS[place]}"


def _answer(content: Content) -> str:
    modalities = sorted({str(word) for word in content.images["modality"].unique()})
    targets = int(content.masks["target"].nunique())
    masks, images = plural(len(content.masks), "mask"), plural(len(content.images), "image")
    return (
        f"{masks} of {plural(targets, 'target')} on {images} "
        f"of {plural(counts.patients(content.images), 'patient')}, from {plural(len(content.datasets), 'dataset')}; "
        f"{', '.join(modalities) or 'no modality'}."
    )


def _caveat(found: tuple[Finding, ...]) -> str:
    if not found:
        return ""
    faults = sum(one.kind in FAULTS for one in found)
    first = f"{plural(faults, 'fault')} of the build" if faults else "No fault of the build"
    return f"{first}, and {plural(len(found) - faults, 'more thing')} to know before using it."


def _provenance(content: Content) -> tuple[tuple[str, str], ...]:
    stated = content.record["profile"]
    spacing = stated.get("spacing_mm")
    return (
        ("Profile", str(stated["name"])),
        ("Profile sha256", str(stated["sha256"])),
        ("Grid", "as in the source" if spacing is None else f"{spacing:g} mm isotropic"),
        ("Store sha256", content.sha256),
        (
            "Size",
            f"{size(content.size_bytes)} in {plural(len(content.record['files']) - content.missing_files, 'file')}",
        ),
        ("Built by", f"medseen {content.record['medseen_version']}, schema version {content.record['schema_version']}"),
    )
