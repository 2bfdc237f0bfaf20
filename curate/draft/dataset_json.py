"""nnU-Net's raw folders (versions 1 and 2) and the Medical Segmentation Decathlon: a `dataset.json` says it all.

The keys are those of nnU-Net's documentation (MIC-DKFZ/nnUNet, documentation/dataset_format.md, and its conversion of
old datasets) and of the Decathlon (http://medicaldecathlon.com).
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from curate.draft.listing import Listing, suffix_of
from curate.draft.names import Namer
from curate.draft.plan import Facts, ImageEntry, LabelEntry, Labels, Plan
from curate.draft.templates import plain
from curate.draft.words import modality

_CHANNEL = re.compile(r"_(\d{4})$")
_LARGEST_JSON = 64 << 20


@dataclass(frozen=True, slots=True)
class DatasetJson:
    """A dataset.json beside the folders that it speaks of."""

    folder: str
    """Where it lies, ending in `/`, or '' for the tree itself."""
    content: Mapping[str, Any]

    def text(self, name: str) -> str | None:
        """Return one of its texts, where it is one."""
        found = self.content.get(name)
        return found.strip() or None if isinstance(found, str) else None

    @property
    def channels(self) -> dict[int, str]:
        """Number of a channel -> its name; version 2 has `channel_names`, version 1 and the Decathlon `modality`."""
        named = self.content.get("channel_names") or self.content.get("modality")
        if not isinstance(named, Mapping):
            return {}
        return {int(key): str(name) for key, name in sorted(named.items()) if str(key).isdigit()}


def plan(listing: Listing, dataset_id: str) -> Plan | None:
    """Return what the first dataset.json of a tree says, or None where there is none with images and labels beside."""
    found = next(_dataset_jsons(listing), None)
    if found is None:
        return None
    images = _stems(listing, f"{found.folder}imagesTr/")
    labels = _stems(listing, f"{found.folder}labelsTr/")
    if not images or not labels:
        return None
    layout, entries = _images(found, images)
    split, names = _test_split(listing, found)
    namer = Namer([dataset_id, found.folder, found.text("name") or "", found.text("description") or ""])
    held = read_labels(found.content.get("labels"), namer)
    suffix = plain(str(found.content.get("file_ending") or max(labels.values(), key=list(labels.values()).count)))
    others = sum(1 for _ in _dataset_jsons(listing)) - 1
    return Plan(
        layout=layout,
        images=tuple(_with_split(entry, split) for entry in entries),
        labels=(LabelEntry(f"{plain(found.folder)}labels{split}/{{case}}{suffix}", held),),
        facts=_facts(found),
        region=namer.region,
        split_names=names,
        notes=(f"decide: {others} more dataset.json lie in other folders; each needs a draft of its own",)
        if others
        else (),
    )


def read_labels(stated: Any, namer: Namer) -> Labels:
    """Return what the `labels` of a dataset.json mean.

    Args:
        stated: Name -> value, or list of values for a region (version 2); value -> name (version 1, Decathlon).
        namer: Knows the vocabulary.
    """
    pairs = list(_named_values(stated))
    names = [name for name, _ in pairs]
    mapped: dict[str, str] = {}
    composites: dict[str, tuple[int, ...]] = {}
    unmapped, comments = [], []
    for name, values in pairs:
        if values == (0,) or name.casefold() == "ignore":
            continue
        around = [other for other, union in pairs if len(union) > 1 and set(values) < set(union)]
        target = namer.target(name, around or [other for other in names if other != name])
        if len(values) == 1 and target is not None:
            mapped[str(values[0])] = target
        elif len(values) == 1:
            unmapped.append(namer.unmapped(str(values[0]), name))
        elif target is not None:
            composites[target] = values
        else:
            comments.append(f"decide: the region `{name}` of values {', '.join(map(str, values))} has no target")
    ignored = tuple(value for name, values in pairs if name.casefold() == "ignore" for value in values)
    composites = {target: union for target, union in composites.items() if target not in mapped.values()}
    return Labels("values", mapped, tuple(unmapped), composites, ignored, comments=tuple(comments))


def _dataset_jsons(listing: Listing) -> Iterator[DatasetJson]:
    for path in listing.named("dataset.json"):
        file = listing.tree / path
        try:
            content = json.loads(file.read_text(encoding="utf-8")) if file.stat().st_size <= _LARGEST_JSON else None
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(content, Mapping) and isinstance(content.get("labels"), Mapping):
            yield DatasetJson(path.removesuffix("dataset.json"), content)


def _stems(listing: Listing, folder: str) -> dict[str, str]:
    """Return stem -> suffix of the image or label files in a folder."""
    found = listing.by_folder.get(folder.rstrip("/"), [])
    names = ((path.rpartition("/")[2], suffix_of(path)) for path in found)
    return {name.removesuffix(suffix): suffix for name, suffix in names if suffix}


def _images(found: DatasetJson, stems: Mapping[str, str]) -> tuple[str, list[ImageEntry]]:
    """Return the layout's name and an entry for every channel, with `{split}` still to be put in."""
    suffix = plain(str(found.content.get("file_ending") or max(stems.values(), key=list(stems.values()).count)))
    path = f"{plain(found.folder)}imagesTr/{{case}}"
    numbers = sorted({int(match.group(1)) for stem in stems if (match := _CHANNEL.search(stem))})
    if numbers and all(_CHANNEL.search(stem) for stem in stems):
        layout = "nnU-Net v2 raw" if "channel_names" in found.content else "nnU-Net v1 raw"
        paths: dict[int, tuple[str, int | None]] = {n: (f"{path}_{n:04}{suffix}", None) for n in numbers}
    else:
        layout = "Medical Segmentation Decathlon"
        several = len(found.channels) > 1
        paths = {number: (f"{path}{suffix}", number if several else None) for number in found.channels or {0: ""}}
    return layout, [
        _image(found, number, file, volume_index, many=len(paths) > 1) for number, (file, volume_index) in paths.items()
    ]


def _image(found: DatasetJson, number: int, path: str, volume_index: int | None, *, many: bool) -> ImageEntry:
    name = found.channels.get(number, "")
    guess = modality([name, found.text("description") or "", found.text("name") or ""])
    comments = () if guess else (f"decide: the modality; dataset.json calls channel {number} `{name}`",)
    scanner, sequence = guess or ("MR" if many else "CT", None)
    channel = f"{number:04}-{re.sub('[^A-Za-z0-9_-]+', '-', name)}".rstrip("-") if many else None
    return ImageEntry(path, scanner, sequence, channel, volume_index=volume_index, comments=comments)


def _test_split(listing: Listing, found: DatasetJson) -> tuple[str, dict[str, str]]:
    """Return what follows `images` and `labels`, and the splits' names: test cases count where they have labels."""
    if _stems(listing, f"{found.folder}labelsTs/"):
        return "{split:Tr|Ts}", {"Tr": "train", "Ts": "test"}
    return "Tr", {}


def _with_split(entry: ImageEntry, split: str) -> ImageEntry:
    return replace(entry, path=entry.path.replace("imagesTr/{case}", f"images{split}/{{case}}"))


def _named_values(stated: Any) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield name and values, whichever way round the file says it; what is neither is left out."""
    for key, value in stated.items() if isinstance(stated, Mapping) else ():
        if str(key).isdigit() and isinstance(value, str):
            yield value, (int(key),)
        elif isinstance(value, list):
            yield str(key), tuple(number for one in value if (number := _integer(one)) is not None)
        elif (number := _integer(value)) is not None:
            yield str(key), (number,)


def _integer(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    return int(value) if re.fullmatch(r"-?\d{1,9}", str(value)) else None


def _facts(found: DatasetJson) -> Facts:
    """Return what dataset.json states, with where it stands; the licence stays for a person to confirm."""
    licence = found.text("licence") or found.text("license")
    return Facts(
        title=found.text("name"),
        licence=f"dataset.json: {licence}" if licence else None,
        citation=found.text("reference"),
        source=f"dataset.json: release {found.text('release')}" if found.text("release") else None,
    )
