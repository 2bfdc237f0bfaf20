"""SAM-Med3D: `<target>/<modality>_<dataset>/{imagesTr, labelsTr}/<case>.nii.gz`, one binary label per target and image.

Rules: utils/data_loader.py of uni-medical/SAM-Med3D. It looks for `labelsTr` (training) or `labelsTr`, `labelsVal` and
`labelsTs` (validation), finds the image by replacing every `labels` of the path with `images`, and clamps intensities
to [-1000, 1000] exactly where the path has `/ct_` in it. It does not resample.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from curate.errors import UsageError
from curate.exporters.content import LabelMaps, StoredCase, StoredImage, StoredMask
from curate.exporters.folder import joined, safe_name
from curate.exporters.frame import Export, run
from curate.exporters.report import ExportReport
from curate.exporters.selection import Selection

_PARTS = {"train": "Tr", "val": "Val", "test": "Ts"}
_CLAMPED = "/ct_"
_REPLACED = "labels"
_SPACING_MM = 1.5
_SPACING_TOLERANCE_MM = 0.01


def export(store: Path, out: Path, selection: Selection) -> ExportReport:
    """Write the chosen part of a store as SAM-Med3D's training tree; see `curate.exporters.Exporter`.

    An image is linked once for each of its targets, not copied.

    Raises:
        UsageError: Also when the path of `out` would mislead SAM-Med3D's loader.
    """
    for word in (_CLAMPED, _REPLACED):
        if word in f"{out.absolute()}/":
            raise UsageError(f"{out.absolute()}: `{word}` in a path misleads SAM-Med3D's loader; give another --out")
    return run("sam-med3d", store, out, selection, _fill)


def _fill(export: Export) -> None:
    other_spacing = 0
    for case in export.cases():
        images = masks = 0
        write_label = _label_writer(export)
        for image in case.images:
            if not image.masks:
                continue
            if image.geometry.is_2d:
                export.reject(case, "needs_volume", f"a picture of {image.geometry}", image=image)
                continue
            for mask in image.masks:
                _write_pair(export, case, image, mask, write_label)
            images, masks = images + 1, masks + len(image.masks)
            other_spacing += not np.allclose(image.geometry.spacing, _SPACING_MM, atol=_SPACING_TOLERANCE_MM)
        if images:
            export.done(case, images=images, masks=masks)
    if other_spacing:
        export.notes.append(
            f"{other_spacing} images are not at 1.5 mm, at which SAM-Med3D is trained: its loader does not resample; "
            "build with --profile sa-med3d"
        )


def _write_pair(
    export: Export,
    case: StoredCase,
    image: StoredImage,
    mask: StoredMask,
    write_label: Callable[[StoredImage, StoredMask, str], None],
) -> None:
    """Write one target of one image."""
    folder = f"{_plain(safe_name(mask.target))}/{_plain(_dataset_folder(case, image))}"
    name = _plain(joined(case.case_id, image.channel, mask.variant))
    if name.startswith("ct_") and image.modality != "CT":
        name = f"case_{name}"  # or the path would have `/ct_` in it
    export.claim(f"{folder}/{name}", mask.mask_id)
    part = _PARTS[case.split]
    export.link(image.path, f"{folder}/images{part}/{name}.nii.gz")
    write_label(image, mask, f"{folder}/labels{part}/{name}.nii.gz")


def _label_writer(export: Export) -> Callable[[StoredImage, StoredMask, str], None]:
    """Return a function that writes masks of one case; the mask that several channels share is written once."""
    maps = LabelMaps(export.store)
    written: dict[tuple[str, tuple[int, ...]], str] = {}

    def write_label(image: StoredImage, mask: StoredMask, destination: str) -> None:
        key = mask.path, mask.values
        if key in written:
            export.relink(written[key], destination)
        else:
            export.write_mask(maps.mask(mask), image.geometry, destination)
            written[key] = destination

    return write_label


def _dataset_folder(case: StoredCase, image: StoredImage) -> str:
    """Return `<modality>_<dataset>`, as in `ct_amos` and `mr_flair_brats21`; what is CT begins with `ct_`."""
    words = [image.modality.lower(), *([image.sequence.lower()] if image.sequence else [])]
    return "_".join([*map(safe_name, words), safe_name(case.dataset)])


def _plain(name: str) -> str:
    """Return a name without the word that the loader replaces anywhere in a path."""
    return name.replace(_REPLACED, "label")
