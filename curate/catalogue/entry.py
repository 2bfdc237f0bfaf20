"""One recipe of the catalogue: what a list shows of it."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pydantic import ConfigDict

from curate.licences import Allowed, commercial_use
from curate.plugins import StrictModel
from curate.recipe.dataset import DatasetFacts, Expect, LicenceState, Origin
from curate.recipe.download import Access, Download
from curate.recipe.files import ImageFiles, LabelFiles

Dimension = Literal["2D", "3D"]

_FLAT_MODALITIES = {"XR", "fundus", "dermoscopy", "endoscopy", "microscopy"}
_DEEP_MODALITIES = {"CT", "MR", "PET"}
_PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif")
_STACKS = (".tif", ".tiff")
"""These may hold one picture or many."""


class Listed(StrictModel):
    """The parts of a recipe that a list needs; its replica, by far the longest part, is not checked."""

    model_config = ConfigDict(extra="ignore")

    dataset: DatasetFacts
    images: tuple[ImageFiles, ...]
    labels: tuple[LabelFiles, ...]
    derived_from: tuple[Origin, ...] = ()
    expect: Expect = Expect()
    download: Download | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One recipe of the catalogue."""

    recipe: str
    title: str
    modalities: tuple[str, ...]
    sequences: tuple[str, ...]
    regions: tuple[str, ...]
    dimension: Dimension | None
    """None where neither modality nor file names tell it, or where a dataset has both."""
    targets: tuple[str, ...]
    licence: str
    licence_state: LicenceState
    licence_evidence: str
    licence_conflict: str | None
    commercial: Allowed
    """Whether commercial use is allowed; unclear too where two places state different licences."""
    cases: int | None
    """Labelled cases of the public release; None where no source states it."""
    images: int | None
    verified: bool
    unverified: tuple[str, ...]
    """What of the recipe could not be looked up."""
    annotation: str
    citation: str
    homepage: str | None
    source: str
    access: Access | None
    """How it can be had; None where the recipe does not say."""
    page: str | None
    derived_from: tuple[Origin, ...]


def as_json(entry: Entry) -> dict[str, Any]:
    """Return an entry as JSON-like data; of what it is derived from, the names and the kind."""
    origins = [{"dataset": origin.dataset, "relation": origin.relation} for origin in entry.derived_from]
    return asdict(entry) | {"derived_from": origins}


def entry_of(listed: Listed) -> Entry:
    """Return what a list shows of a recipe."""
    facts, images = listed.dataset, listed.images
    return Entry(
        recipe=facts.id,
        title=facts.title,
        modalities=tuple(sorted({image.modality for image in images})),
        sequences=tuple(sorted({image.sequence for image in images if image.sequence is not None})),
        regions=tuple(sorted({image.region or facts.region for image in images})),
        dimension=_dimension(images),
        targets=tuple(dict.fromkeys(target for label in listed.labels for target in label.targets())),
        licence=facts.licence,
        licence_state=facts.licence_state,
        licence_evidence=facts.licence_evidence,
        licence_conflict=facts.licence_conflict,
        commercial=commercial_use(facts.licence, facts.licence_conflict),
        cases=listed.expect.cases,
        images=listed.expect.images,
        verified=facts.verified,
        unverified=facts.unverified,
        annotation=facts.annotation,
        citation=facts.citation,
        homepage=facts.homepage,
        source=facts.source,
        access=listed.download.access if listed.download else None,
        page=listed.download.page if listed.download else None,
        derived_from=listed.derived_from,
    )


def _dimension(images: Iterable[ImageFiles]) -> Dimension | None:
    """Tell slices from volumes by file names and modality, where every entry agrees."""
    found = {_dimension_of(image) for image in images}
    return found.pop() if len(found) == 1 else None


def _dimension_of(image: ImageFiles) -> Dimension | None:
    if image.path.lower().endswith(_STACKS):
        return None
    if image.modality in _FLAT_MODALITIES or image.path.lower().endswith(_PICTURES):
        return "2D"
    return "3D" if image.modality in _DEEP_MODALITIES else None
