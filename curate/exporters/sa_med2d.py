"""SA-Med2D-20M: pictures of slices, one mask file for each connected region, and its JSON files.

    images/MODALITY--DATASET--CASE--SLICE.png
    masks/MODALITY--DATASET--CASE--SLICE--CCCC_III.png    class of the dataset, and region of that class, both from 0
    SAMed2D_v1.json                                       image -> its masks
    SAMed2D_v1_class_mapping_id.json                      dataset -> class name -> class
    image2label_train.json, label2image_{val,test}.json   the store's splits as the loaders of SAM-Med2D read them

Paths in the JSON files are relative to the folder of the export. Rules of slicing: `curate.exporters.slices`. A store
that was built with the profile `sa-med2d` has been cut by them already, and gives the same files.
"""

import json
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO

from curate import manifest, slicing
from curate.exporters.content import LabelMaps, StoredCase, StoredImage, StoredMask, read_volume
from curate.exporters.folder import safe_name
from curate.exporters.frame import Export, run
from curate.exporters.report import ExportReport
from curate.exporters.selection import Selection
from curate.exporters.slices import coloured, mask_picture, regions, sound_axes
from curate.files import write_json
from curate.slicing import Place

_TOKENS = {"XR": "x_ray", "US": "ultrasound_00", "fundus": "fundus_photography"}
"""Modality -> first field of a name, where it is not `<modality>_00`."""

_SEQUENCE_TOKENS = {
    **{("CT", name): f"ct_{name.lower()}" for name in ("CBF", "CBV", "MTT", "Tmax")},
    **{("MR", name): f"mr_{name.lower()}" for name in ("ADC", "CBF", "CBV", "DWI", "FLAIR", "LGE", "MTT", "PD")},
    **{("MR", name): f"mr_{name.lower()}" for name in ("rCBF", "rCBV", "T1", "T1c", "T2", "Tmax", "TTP")},
    ("MR", "DWI-highb"): "mr_hbv",
    ("MR", "cine"): "mr_cmr",
}
"""Those of the 34 tokens of the release that name a sequence; other sequences are `<modality>_00`."""

Add = Callable[[str, str, Any], None]
"""Called with a JSON file's name, a key and its value."""


def export(store: Path, out: Path, selection: Selection) -> ExportReport:
    """Write the chosen part of a store as SA-Med2D's folder; see `curate.exporters.Exporter`."""
    return run("sa-med2d", store, out, selection, _fill)


def token(modality: str, sequence: str | None) -> str:
    """Return the first field of a name, such as `ct_00`, `mr_t1c` or `x_ray`."""
    return _SEQUENCE_TOKENS.get((modality, sequence or "")) or _TOKENS.get(modality, f"{modality.lower()}_00")


def _fill(export: Export) -> None:
    classes = {dataset: _classes(export.store, dataset) for dataset in export.datasets}
    exported: dict[str, set[str]] = {}
    with ExitStack() as stack:
        add = _json_files(export.folder, stack)
        for case in export.cases():
            images = masks = 0
            for image in case.images:
                kept = _write_image(export, case, image, classes[case.dataset], add) if image.masks else []
                exported.setdefault(case.dataset, set()).update(mask.target for mask in kept)
                images, masks = images + bool(kept), masks + len(kept)
            if images:
                export.done(case, images=images, masks=masks)
    mapping = {
        safe_name(dataset): {target: number for target, number in classes[dataset].items() if target in targets}
        for dataset, targets in exported.items()
        if targets
    }
    write_json(export.folder / "SAMed2D_v1_class_mapping_id.json", mapping)


def _classes(store: Path, dataset: str) -> dict[str, int]:
    """Number the targets of a dataset from 0 in the order of their names, the same for every selection."""
    targets = set(manifest.read_table(store, "masks", [dataset]).column("target").to_pylist())
    for labelled in manifest.read_table(store, "images", [dataset]).column("labelled_targets").to_pylist():
        targets.update(labelled)
    return {target: number for number, target in enumerate(sorted(targets))}


def _write_image(
    export: Export, case: StoredCase, image: StoredImage, classes: dict[str, int], add: Add
) -> list[StoredMask]:
    """Write the slices of one image that have a mask, and the masks; return those that have a slice."""
    channel, name_of_slice = _parts_of_name(image)
    stem = "--".join([token(image.modality, image.sequence), safe_name(case.dataset), _case_field(case, channel)])
    export.claim(stem, image.image_id if name_of_slice is None else slicing.volume_id(image.image_id))
    maps, axes = LabelMaps(export.store), _sound_axes(export, case, image)
    files: dict[Place, list[str]] = {}
    numbers: Counter[tuple[Place, int]] = Counter()
    kept = []
    for mask in sorted(image.masks, key=_natural):
        count, small, number = 0, 0, classes[mask.target]
        for place, region in regions(maps.mask(mask), axes):
            if region is None:
                small += 1
                continue
            fields = [stem, _slice_field(image, place), f"{number:04}_{numbers[place, number]:03}"]
            name = f"masks/{'--'.join(fields)}.png"
            export.write(mask_picture(region), name)
            files.setdefault(place, []).append(name)
            numbers[place, number] += 1
            count += 1
        _account(export, case, image, mask, count=count, small=small)
        kept += [mask] if count else []
    _write_pictures(export, case, image, stem, files, add)
    return kept


def _write_pictures(
    export: Export, case: StoredCase, image: StoredImage, stem: str, files: dict[Place, list[str]], add: Add
) -> None:
    """Write the slices that have a mask, and their entries in the JSON files."""
    if not files:
        return
    volume = slicing.as_bytes(read_volume(export.store, image.path))
    for place in sorted(files):
        name = f"images/{stem}--{_slice_field(image, place)}.png"
        export.write(coloured(volume if image.geometry.is_2d else slicing.picture(volume, place)), name)
        add("SAMed2D_v1.json", name, files[place])
        if case.split == "train":
            add("image2label_train.json", name, files[place])
        else:
            for mask in files[place]:
                add(f"label2image_{case.split}.json", mask, name)


def _parts_of_name(image: StoredImage) -> tuple[str, str | None]:
    """Return the channel of an image, and the name of the slice where it is one."""
    return slicing.split_name(image.channel) if image.geometry.is_2d else (image.channel, None)


def _case_field(case: StoredCase, channel: str) -> str:
    """Return the third field of a name; the channel is part of it, because two may have the same token."""
    return safe_name(f"{case.case_id}.{channel}" if channel else case.case_id)


def _slice_field(image: StoredImage, place: Place) -> str:
    """Return the fourth field of a name: `x_0040`, or `2d_none` for what was a picture from the start."""
    if image.geometry.is_2d:
        return _parts_of_name(image)[1] or "2d_none"
    return slicing.slice_name(place)


def _natural(mask: StoredMask) -> list[tuple[bool, int, str]]:
    """Sort masks by target, rater and instance, numbers by their value: they are numbered in this order."""
    parts = [mask.target, *mask.variant.split("/")] if mask.variant else [mask.target]
    return [(not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts]


def _sound_axes(export: Export, case: StoredCase, image: StoredImage) -> list[int]:
    """Return the axes to slice along, after noting those that are left out."""
    shape = image.geometry.shape_ijk
    axes = sound_axes(shape)
    lost = [] if image.geometry.is_2d else [axis for axis in range(3) if axis not in axes]
    if lost:
        detail = f"no slices along {', '.join('xyz'[axis] for axis in lost)} of a volume of {shape}"
        export.reject(case, "elongated_slices", detail, image=image, effect="changed")
    return axes


def _account(export: Export, case: StoredCase, image: StoredImage, mask: StoredMask, *, count: int, small: int) -> None:
    """Note what of a mask is not in the export."""
    if not count:
        detail = f"{small} regions, all below 0.153 % of their slices" if small else "on no slice that is kept"
        export.reject(case, "no_slice", detail, image=image, mask=mask)
    elif small:
        detail = f"{small} of {small + count} regions are below 0.153 % of their slices"
        export.reject(case, "small_regions", detail, image=image, mask=mask, effect="changed")


def _json_files(folder: Path, stack: ExitStack) -> Add:
    """Return a function that adds an entry to a JSON object on disk; the files never stand in memory.

    `stack` closes them; the keys of one file must be unique.
    """
    streams: dict[str, TextIO] = {}

    def close(stream: TextIO) -> None:
        stream.write("\n}\n")
        stream.close()

    def add(name: str, key: str, value: Any) -> None:
        is_first = name not in streams
        if is_first:
            streams[name] = (folder / name).open("w", encoding="utf-8", newline="\n")
            stack.callback(close, streams[name])
        streams[name].write(f"{'{' if is_first else ','}\n{json.dumps(key)}: {json.dumps(value)}")

    return add
