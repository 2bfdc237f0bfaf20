"""Words in file names: what a file is (image or label), what the scanner was, which split it belongs to."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

LABEL_WORDS = frozenset(
    (
        *("label", "labels", "labelled", "labeled", "lbl", "mask", "masks", "msk", "truth", "groundtruth", "gt", "gts"),
        *("seg", "segs", "segm", "segmentation", "segmentations", "segmented", "contour", "contours", "roi", "rois"),
        *("annotation", "annotations", "annot", "manual", "manuals", "structures"),
    )
)
IMAGE_WORDS = frozenset(
    (
        *("image", "images", "img", "imgs", "input", "inputs", "volume", "volumes", "vol", "scan", "scans"),
        *("raw", "orig", "original", "originals", "pic", "picture", "pictures"),
    )
)
_LABEL_ENDINGS = ("mask", "masks", "seg", "label", "labels")
"""Of words written together, such as `brainmask` and `gmseg`."""

SPLIT_OF = {
    **dict.fromkeys(("train", "training", "tr"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "val"),
    **dict.fromkeys(("test", "testing", "ts"), "test"),
}
"""A source's word for a split, in lower case -> split."""

_MODALITIES: dict[str, tuple[str, str | None]] = {
    **dict.fromkeys(("ct", "ncct", "cect"), ("CT", None)),
    **dict.fromkeys(("mr", "mri", "mrt"), ("MR", None)),
    **dict.fromkeys(("pet", "pt", "suv"), ("PET", None)),
    **dict.fromkeys(("us", "ultrasound", "sonography"), ("US", None)),
    **dict.fromkeys(("xr", "xray", "cxr", "dx", "radiograph", "radiography"), ("XR", None)),
    **dict.fromkeys(("fundus", "retinal"), ("fundus", None)),
    **dict.fromkeys(("dermoscopy", "dermoscopic"), ("dermoscopy", None)),
    **dict.fromkeys(("endoscopy", "endoscope", "colonoscopy"), ("endoscopy", None)),
    **dict.fromkeys(("microscopy", "pathology", "histology", "histo", "wsi", "nuclei", "em"), ("microscopy", None)),
    "oct": ("OCT", None),
    "cta": ("CT", "CTA"),
    "cbct": ("CT", "CBCT"),
    "fdg": ("PET", "FDG"),
    **dict.fromkeys(("t1", "t1w", "t1n"), ("MR", "T1")),
    **dict.fromkeys(("t1c", "t1ce", "t1gd", "t1wce"), ("MR", "T1c")),
    **dict.fromkeys(("t2", "t2w"), ("MR", "T2")),
    **dict.fromkeys(("t2s", "t2star", "t2starw"), ("MR", "T2star")),
    **dict.fromkeys(("flair", "t2f"), ("MR", "FLAIR")),
    **dict.fromkeys(("pd", "pdw"), ("MR", "PD")),
    **dict.fromkeys(("dwi", "dmri"), ("MR", "DWI")),
    "adc": ("MR", "ADC"),
    "fa": ("MR", "FA"),
    "swi": ("MR", "SWI"),
    "tof": ("MR", "TOF"),
    "lge": ("MR", "LGE"),
    "cine": ("MR", "cine"),
    **dict.fromkeys(("mt", "mton", "mtoff"), ("MR", "MT")),
}
"""A word for a scanner or a sequence, in lower case -> modality and sequence of the vocabulary."""

DICOM_MODALITIES = {
    **{code: code for code in ("CT", "MR", "US", "OCT")},
    "PT": "PET",
    **dict.fromkeys(("CR", "DX", "XA", "RF", "MG"), "XR"),
    "OPT": "OCT",
    "OP": "fundus",
    "ES": "endoscopy",
    "SM": "microscopy",
}
"""Modality as DICOM spells it (PS3.3, C.7.3.1.1.1) -> modality of the vocabulary."""

_REMEMBERED = 100_000
_PIECE = re.compile(r"\d+|[A-Z]+(?![a-z])|[A-Z][a-z]*|[^\W\d_A-Z]+")


@dataclass(frozen=True, slots=True)
class Token:
    """A run of digits, or a word (`imagesTr` is two), and where it stands in a name."""

    text: str
    """In lower case."""
    start: int
    end: int

    @property
    def is_role(self) -> bool:
        """True for words that say image or label, which are no part of a case's key."""
        return is_label_word(self.text) or self.text in IMAGE_WORDS


@lru_cache(maxsize=_REMEMBERED)
def tokens(name: str) -> tuple[Token, ...]:
    """Return the words and numbers of a name, in order."""
    return tuple(Token(match.group().lower(), match.start(), match.end()) for match in _PIECE.finditer(name))


def is_label_word(word: str) -> bool:
    """Tell whether a word in lower case says that a file holds labels."""
    return word in LABEL_WORDS or (word.endswith(_LABEL_ENDINGS) and word not in IMAGE_WORDS)


def says_label(name: str) -> bool:
    """Tell whether a file's or folder's name says that labels are in it."""
    return any(is_label_word(token.text) for token in tokens(name)) or "groundtruth" in name.lower()


def says_image(name: str) -> bool:
    """Tell whether a file's or folder's name says that images are in it."""
    return any(token.text in IMAGE_WORDS for token in tokens(name))


def core(name: str) -> tuple[str, ...]:
    """Return the words and numbers of a name without those that say image or label."""
    return tuple(token.text for token in tokens(name) if not token.is_role)


@lru_cache(maxsize=_REMEMBERED)
def folder_key(folders: tuple[str, ...], *, strict: bool) -> tuple[str, ...]:
    """Return what folders say but for image or label, so that `train_images` and `train_masks` are alike.

    Args:
        folders: Components of a path.
        strict: Keep the rest of a component with a role word (`train`); else drop all of it.
    """
    key = []
    for folder in folders:
        if not (says_label(folder) or says_image(folder)):
            key.append(folder)
        elif strict and core(folder):
            key.append(" ".join(core(folder)))
    return tuple(key)


def shared_length(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many words or characters two sequences begin with in common."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def modality(names: Iterable[str]) -> tuple[str, str | None] | None:
    """Return modality and sequence that the first telling name states; within a name a sequence goes before.

    Args:
        names: The most telling one first, such as a channel, a file's stem, its folders.
    """
    for name in names:
        found = [_MODALITIES[word] for word in _modality_words(name) if word in _MODALITIES]
        if found:
            return next((one for one in found if one[1] is not None), found[0])
    return None


def _modality_words(name: str) -> list[str]:
    plain = re.sub(r"[xX][-_ ][rR]ay", "xray", name)
    words = [word.lower() for word in re.split(r"[^A-Za-z0-9]+", plain) if word]
    return [*words, *(token.text for token in tokens(plain))]
