"""Formats with one label map per case (nnU-Net, Medical Segmentation Decathlon): which cases fit, and their label maps.

In such a map what no target marks is background, so a case fits only if every chosen target was looked for in it and
none was left out by the build. What does not fit becomes a row of `export_rejections.csv`.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from curate import slicing
from curate.exporters.content import LabelMaps, StoredCase, StoredImage, count_bands, read_cases
from curate.exporters.folder import safe_name
from curate.exporters.frame import Export
from curate.exporters.nesting import Values, assign, observe
from curate.volume import Volume

HELD_OUT = "test"
"""Split whose cases are kept apart from those to train on."""

_HOUNSFIELD_SEQUENCES = (None, "CTA")
"""CT that is in Hounsfield units; cone-beam CT and perfusion maps are not."""

_COLOURS = {3: ["R", "G", "B"], 4: ["R", "G", "B", "A"]}
"""Bands of a picture -> their names."""

Channels = tuple[tuple[str, str, str | None], ...]
"""Channel, modality and sequence of each image of a case, in the order of image_id."""

Misfit = tuple[str, str] | None
"""Code and detail of what keeps a case out of the export, or None."""


@dataclass(frozen=True, slots=True)
class Form:
    """What all cases of one dataset must have in common."""

    channels: Channels
    suffix: str
    """`.nii.gz` or `.png`; empty where channels differ in it."""
    bands: tuple[int, ...]
    """Colours in the file of each channel: 1, or 3 for red, green, blue."""

    def __str__(self) -> str:
        """Say the channels in a few words."""
        names = (
            f"{'/'.join(filter(None, one))} x{bands}" for one, bands in zip(self.channels, self.bands, strict=True)
        )
        return f"{', '.join(names)} as {self.suffix or 'mixed files'}"

    @property
    def channel_names(self) -> list[str]:
        """Names of the input channels, one for each colour of each file.

        nnU-Net normalises a channel called `CT` by the dataset's intensities and any other by its own mean and
        deviation, so the name is `CT` exactly where the values are Hounsfield units.
        """
        names = []
        for (channel, modality, sequence), bands in zip(self.channels, self.bands, strict=True):
            in_hounsfield = modality == "CT" and sequence in _HOUNSFIELD_SEQUENCES
            name = modality if in_hounsfield else sequence or (modality if modality != "CT" else channel or "CT map")
            names += [name] if bands == 1 else _COLOURS.get(bands) or [f"{name} {band}" for band in range(bands)]
        return names


@dataclass(frozen=True, slots=True)
class Plan:
    """One dataset, ready to be written."""

    dataset: str
    form: Form
    values: Values
    cases: tuple[StoredCase, ...]


def plans(export: Export) -> list[Plan]:
    """Plan every chosen dataset before anything is written, so that a refusal leaves no half of an export.

    Raises:
        UsageError: When targets of a dataset overlap so that no label map can hold them.
    """
    found = (_plan(export, dataset) for dataset in export.datasets)
    return [plan for plan in found if plan is not None]


def _plan(export: Export, dataset: str) -> Plan | None:
    """Return the plan of a dataset, or None where nothing of it is chosen or fits."""
    cases = [
        case
        for case in read_cases(export.store, dataset, export.selection)
        if any(image.labelled for image in case.images)
    ]
    if not cases:
        return None
    forms = {case.case_id: _form(export.store, case) for case in cases}
    form = _most_common(list(forms.values()))
    cases = _fitting(export, cases, lambda case: _misfit_of_images(case, forms[case.case_id], form))
    targets = frozenset[str]().union(*(case.images[0].labelled for case in cases))
    cases = _fitting(export, cases, lambda case: _misfit_of_labels(case, targets))
    if not cases:
        return None
    observed = [
        observe(f"{dataset}/{case.case_id}", case.images[0].masks, LabelMaps(export.store))
        for case in tqdm(cases, desc=f"{dataset}: overlaps", unit="case", disable=None)
    ]
    return Plan(dataset, form, assign(targets, observed), tuple(cases))


def _fitting(export: Export, cases: Sequence[StoredCase], misfit: Callable[[StoredCase], Misfit]) -> list[StoredCase]:
    """Return the cases that fit, after noting why the others do not."""
    fitting = []
    for case in cases:
        reason = misfit(case)
        if reason is None:
            fitting.append(case)
        else:
            export.reject(case, *reason)
    return fitting


def label_map(case: StoredCase, values: Values, store: Path) -> Volume:
    """Return the label map of a case, (i, j, k): uint8, or uint16 for more than 255 targets."""
    grid = case.images[0].geometry
    maps = LabelMaps(store)
    labels = np.zeros(grid.shape_ijk, dtype=np.uint8 if len(values.own) < 256 else np.uint16)
    for mask in sorted(case.images[0].masks, key=lambda mask: values.own[mask.target]):
        found = maps.mask(mask)
        i0, j0, k0, i1, j1, k1 = found.box
        labels[i0:i1, j0:j1, k0:k1][found.voxels] = values.own[mask.target]
    return Volume(labels, grid)


def write_cases(
    export: Export, plan: Plan, folder: str, *, numbered: bool
) -> Iterator[tuple[StoredCase, str, list[str]]]:
    """Write the images and label maps of a dataset below `folder`, test cases apart from the others.

    Args:
        export: Where to.
        plan: What.
        folder: Relative to the export.
        numbered: Whether every image is called `<case>_0000`, or only those of cases with several channels.

    Yields:
        Each case, its label map and its images, as paths relative to `folder`.
    """
    for case in tqdm(plan.cases, desc=plan.dataset, unit="case", disable=None):
        name = export.claim(f"{folder}/{safe_name(case.case_id)}", case.case_id).rpartition("/")[2]
        part = "Ts" if case.split == HELD_OUT else "Tr"
        images = []
        for number, image in enumerate(case.images):
            ending = f"_{number:04}" if numbered or len(case.images) > 1 else ""
            images.append(f"images{part}/{name}{ending}{plan.form.suffix}")
            export.link(image.path, f"{folder}/{images[-1]}")
        label = f"labels{part}/{name}{plan.form.suffix}"
        export.write(label_map(case, plan.values, export.store), f"{folder}/{label}")
        export.done(case, images=len(case.images), masks=sum(len(image.masks) for image in case.images))
        yield case, label, images


def _misfit_of_images(case: StoredCase, form: Form, common: Form) -> Misfit:
    """Say what is wrong with the channels of a case."""
    if any(image.geometry.is_2d and slicing.split_name(image.channel)[1] for image in case.images):
        return "needs_volume", "slices of a volume, in a format of volumes; build with --profile native"
    if form != common or not form.suffix:
        return "other_channels", f"has {form}; most cases have {common}; choose with --modalities"
    if not all(_alike(case.images[0], image) for image in case.images[1:]):
        return "channels_disagree", "its channels differ in grid or masks; choose one with --modalities"
    return None


def _misfit_of_labels(case: StoredCase, targets: frozenset[str]) -> Misfit:
    """Say why the label map of a case would claim what nobody knows."""
    first = case.images[0]
    unknown = sorted(targets - first.labelled)
    if unknown:
        return "not_labelled", f"not labelled for {', '.join(unknown)}; choose others with --targets"
    unsure = sorted(frozenset[str]().union(*(image.unsure for image in case.images)))
    if unsure:
        return "mask_left_out", f"the build left out {', '.join(unsure)}; see the store's rejections"
    counts = Counter(mask.target for mask in first.masks)
    several = sorted(target for target, count in counts.items() if count > 1)
    if several:
        hint = next(f"{mask.target}/{mask.variant}" for mask in first.masks if mask.target == several[0])
        return "several_masks", f"several masks of {', '.join(several)}; choose one with --targets {hint}"
    return None


def _alike(first: StoredImage, other: StoredImage) -> bool:
    """Tell whether two channels lie on one grid and carry the same masks."""
    masks = [[(one.target, one.variant, one.path, one.values) for one in image.masks] for image in (first, other)]
    same_masks = masks[0] == masks[1] and first.labelled == other.labelled
    return same_masks and first.geometry.same_grid(other.geometry)


def _form(store: Path, case: StoredCase) -> Form:
    suffixes = {image.suffix for image in case.images}
    return Form(
        tuple((image.channel, image.modality, image.sequence) for image in case.images),
        suffixes.pop() if len(suffixes) == 1 else "",
        tuple(count_bands(store, image.path) for image in case.images),
    )


def _most_common(forms: Sequence[Form]) -> Form:
    """Return the form of most cases; of equally common ones the one with more channels, then the first by name."""
    counts = Counter(forms)
    return min(counts, key=lambda form: (-counts[form], -len(form.channels), str(form)))
