"""BIDS: `sub-01/ses-1/anat/sub-01_ses-1_T1w.nii.gz`, and label files of the same subject and session elsewhere.

Entities, suffixes and `dseg.tsv` are those of the Brain Imaging Data Structure 1.10 (https://bids-specification.
readthedocs.io, Common principles; Derivatives, Imaging data types, Segmentations).
"""

import csv
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from curate.draft.gather import name_of
from curate.draft.label_entries import told_apart
from curate.draft.listing import Listing, suffix_of
from curate.draft.meaning import MOST_FILES, of_values
from curate.draft.names import Namer
from curate.draft.plan import Facts, ImageEntry, LabelEntry, Labels, Plan
from curate.draft.templates import plain
from curate.draft.values import Looker
from curate.draft.words import modality, says_label, shared_length

_NAME = re.compile(r"(?P<case>(?P<sub>sub-[^_/]+)(?P<ses>_ses-[^_/]+)?)_(?P<rest>.+)")
_NO_IMAGES = ("func", "fmap", "eeg", "meg", "beh", "figures")
_LARGEST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class _File:
    path: str
    case: str
    rest: str
    """What follows subject and session: further entities and the suffix."""
    template: str


def plan(listing: Listing, dataset_id: str) -> Plan | None:
    """Return what BIDS names say, or None where no image of a subject has a label file."""
    files = [one for path in listing.volumes if (one := _parse(path)) is not None]
    labels = _by_template(one for one in files if says_label(one.rest))
    labelled = {one.case for group in labels.values() for one in group}
    images = _by_template(one for one in files if one.case in labelled and _is_image(one))
    if not images or not labels:
        return None
    looker, facts = Looker(listing), _description(listing)
    namer = Namer([dataset_id, facts.title or ""])
    channels = {template: name_of(group[0].rest) if len(images) > 1 else None for template, group in images.items()}
    pictured = {one.case for group in images.values() for one in group}
    entries: list[LabelEntry] = []
    for group in labels.values():
        if any(one.case in pictured for one in group):
            entry = _label(group, images, channels, _Reader(listing, looker, namer))
            entries.append(told_apart(entry, _maker(group[0].path), entries))
    return Plan(
        layout="BIDS",
        images=tuple(_image(group[0], channels[template]) for template, group in images.items()),
        labels=tuple(entries),
        facts=facts,
        region=namer.region,
        patient="^(sub-[^_]+)_" if any("_ses-" in case for case in pictured) else None,
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    listing: Listing
    looker: Looker
    namer: Namer

    def labels(self, group: Sequence[_File]) -> Labels:
        """Return what label files hold: by the lookup table beside them, else by their entities and values."""
        named = _lookup(self.listing, group[0].path)
        if not named:
            words = [value for part in reversed(group[0].rest.split("_")) for value in [part.partition("-")[2] or part]]
            return of_values([one.path for one in group], words, self.looker, self.namer, MOST_FILES)
        mapped, unmapped = {}, []
        for value, name in named.items():
            target = self.namer.target(name, [other for other in named.values() if other != name])
            if target is None:
                unmapped.append(self.namer.unmapped(value, name))
            else:
                mapped[value] = target
        return Labels("values", mapped, tuple(unmapped))


def _parse(path: str) -> _File | None:
    """Return a file whose name begins with a subject, with the same subject's folders as wildcards."""
    suffix = suffix_of(path)
    folder, _, name = path.rpartition("/")
    match = _NAME.fullmatch(name.removesuffix(suffix))
    if match is None:
        return None
    parts = [
        re.sub(r"^(sub|ses)-.*", r"\1-*", part) if re.match("(sub|ses)-", part) else plain(part)
        for part in folder.split("/")
        if part
    ]
    case = "{case:sub-[^_/]+_ses-[^_/]+}" if match["ses"] else "{case:sub-[^_/]+}"
    template = "/".join([*parts, f"{case}_{plain(match['rest'])}{plain(suffix)}"])
    return _File(path, match["case"], match["rest"], template)


def _is_image(file: _File) -> bool:
    """Tell whether a file is a raw image of a known modality; functional series are 4D."""
    folders = file.path.split("/")[:-1]
    is_raw = "derivatives" not in folders and not says_label(file.rest)
    return is_raw and not set(folders) & set(_NO_IMAGES) and modality([file.rest, *reversed(folders)]) is not None


def _by_template(files: Iterable[_File]) -> dict[str, list[_File]]:
    groups: dict[str, list[_File]] = defaultdict(list)
    for file in files:
        groups[file.template].append(file)
    return {template: groups[template] for template in sorted(groups)}


def _maker(path: str) -> str:
    """Return who made a label file: its folder below `derivatives`, else its own words."""
    folders = path.split("/")
    at = folders.index("derivatives") + 1 if "derivatives" in folders[:-2] else len(folders) - 1
    return folders[at].partition(".")[0]


def _image(file: _File, channel: str | None) -> ImageEntry:
    scanner, sequence = modality([file.rest, *reversed(file.path.split("/")[:-1])]) or ("MR", None)
    return ImageEntry(file.template, scanner, sequence, channel)


def _label(
    group: Sequence[_File], images: Mapping[str, Sequence[_File]], channels: Mapping[str, str | None], reader: _Reader
) -> LabelEntry:
    drawn_on, comments = _drawn_on(group[0], images, channels, reader.looker)
    return LabelEntry(group[0].template, reader.labels(group), drawn_on, comments=comments)


def _drawn_on(
    label: _File, images: Mapping[str, Sequence[_File]], channels: Mapping[str, str | None], looker: Looker
) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    """Return the channels that a label file annotates: those that its name says, else those on its grid."""
    beside = {template: one for template, group in images.items() for one in group if one.case == label.case}
    if len(channels) == 1 or not beside:
        return None, ()
    words = set(re.split(r"[_-]", label.rest))
    said = [template for template, one in beside.items() if one.rest.rpartition("_")[2] in words]
    on_grid = [template for template, one in beside.items() if looker.same_grid(label.path, one.path)]
    chosen = said or on_grid or list(beside)
    if len(chosen) == len(channels):
        return None, ("decide: taken for labels of every channel of a case; else add images = [...]",)
    return tuple(sorted(str(channels[template]) for template in chosen)), ()


def _lookup(listing: Listing, label: str) -> dict[str, str]:
    """Return value -> name from the `dseg.tsv` that lies nearest to a label file; empty where there is none."""
    tables = [path for path in listing.paths if path.endswith("dseg.tsv")]
    if not tables or not label.rpartition("/")[2].partition(".")[0].endswith("dseg"):
        return {}
    nearest = max(tables, key=lambda path: (shared_length(path, label), path))
    rows = csv.DictReader(_text(listing, nearest).splitlines(), delimiter="\t")
    found = {str(row.get("index") or "").strip(): str(row.get("name") or "").strip() for row in rows}
    return {value: name for value, name in found.items() if re.fullmatch(r"[1-9]\d{0,8}", value) and name}


def _description(listing: Listing) -> Facts:
    """Return what `dataset_description.json` states."""
    content: Any = None
    for path in listing.named("dataset_description.json")[:1]:
        try:
            content = json.loads(_text(listing, path) or "null")
        except ValueError:
            content = None
    stated = content if isinstance(content, Mapping) else {}

    def text(name: str) -> str | None:
        return str(stated[name]).strip() or None if isinstance(stated.get(name), str) else None

    licence, doi = text("License"), text("DatasetDOI")
    return Facts(
        title=text("Name"),
        licence=f"dataset_description.json: {licence}" if licence else None,
        citation=text("HowToAcknowledge"),
        source=doi,
    )


def _text(listing: Listing, path: str) -> str:
    file = listing.tree / path
    try:
        return file.read_text(encoding="utf-8") if file.stat().st_size <= _LARGEST_BYTES else ""
    except (OSError, ValueError):
        return ""
