"""The `[[images]]` of a draft: what made the images, by their names, by DICOM's word, by their voxels."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from curate.draft.channels import EntryKey, by_entry, entry_key
from curate.draft.dicom_files import DicomFiles
from curate.draft.listing import sample
from curate.draft.plan import ImageEntry
from curate.draft.templates import Member, narrowed
from curate.draft.values import Looker
from curate.draft.words import DICOM_MODALITIES, modality

_NAMES_READ = 20
_AIR_HU = -500
_PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".gif", ".bmp")
Guess = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class Scanners:
    """Guesses what made the images of an entry."""

    dicom: DicomFiles
    looker: Looker
    dataset_id: str

    def guess(self, members: Sequence[Member]) -> tuple[Guess, tuple[str, ...]]:
        """Return modality and sequence, and what a person has to decide about them."""
        first = members[0]
        series = self.dicom.images.get(first.path)
        said = modality([first.path.replace(first.case, " ")])
        if series is not None and series.modality in DICOM_MODALITIES:
            known = DICOM_MODALITIES[series.modality]
            return (known, said[1] if said is not None and said[0] == known else None), ()
        if said is not None:
            return said, ()
        in_keys = Counter(found for one in sample_of(members) if (found := modality([one.case])) is not None)
        if in_keys:
            guess = in_keys.most_common(1)[0][0]
            others = sorted({" ".join(filter(None, one)) for one in in_keys} - {" ".join(filter(None, guess))})
            remark = f"decide: names also say {', '.join(others)}; one entry for each" if others else ""
            return guess, (remark,) if remark else ()
        said = modality([self.dataset_id])
        return (said, ()) if said is not None else (self._by_voxels(first.path), ("decide: the modality is a guess",))

    def _by_voxels(self, path: str) -> Guess:
        """Guess from a picture's colours, or from air in Hounsfield units."""
        look = self.looker.look(path)
        if path.lower().endswith(_PICTURES):
            return ("microscopy" if look is not None and look.is_colour else "XR"), None
        return ("CT" if look is not None and look.low < _AIR_HU else "MR"), None


def image_entries(
    images: Sequence[Member],
    names: Mapping[EntryKey, str | None],
    by_template: Mapping[str, Sequence[str]],
    scanners: Scanners,
) -> list[ImageEntry]:
    """Return an entry for every template of images, sorted by path.

    Args:
        images: The images of all cases.
        names: Entry -> channel.
        by_template: Template -> its files, images and label files alike.
        scanners: Guesses what made them.
    """
    return [_entry(members, names[entry_key(members[0])], by_template, scanners) for members in by_entry(images)]


def sample_of(members: Sequence[Member]) -> list[Member]:
    """Return some of the files of an entry, evenly spread."""
    by_path = {one.path: one for one in members}
    return [by_path[path] for path in sample(by_path, _NAMES_READ)]


def _entry(
    members: Sequence[Member], channel: str | None, by_template: Mapping[str, Sequence[str]], scanners: Scanners
) -> ImageEntry:
    first = members[0]
    (scanner, sequence), comments = scanners.guess(members)
    series = scanners.dicom.images.get(first.path)
    return ImageEntry(
        narrowed(members, by_template),
        scanner,
        sequence,
        channel,
        case=first.case if first.is_spelt_out else None,
        series_modality=series.modality if series is not None and series.is_mixed else None,
        comments=comments,
    )
