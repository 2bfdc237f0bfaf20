"""One file per structure, or per rater: label files whose paths differ in one word become one path with a field."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from curate.draft.listing import suffix_of
from curate.draft.meaning import bare
from curate.draft.names import Namer
from curate.draft.templates import Member

_FEW = 3
"""Files that differ in one word and are fewer than this are one kind each, unless all words are targets."""
_MOST_COUNTED = 8
"""Files that differ in a number alone, and whose case is spelt out."""
_RATER = re.compile(
    r"\d+(st|nd|rd|th)[A-Za-z]*|(manual|observer|rater|expert|reader|annotator|grader|HO)[-_ ]?\w{1,2}", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class _Slot:
    """Where a label file's name may have a field: behind the case's key, or all of it."""

    head: str
    suffix: str
    case: str
    """Where the path is spelt out."""


def with_labels(labels: Iterable[Member], namer: Namer) -> list[Member]:
    """Return the label files with `{label}` or `{rater}` in the templates of those that differ in one word alone."""
    slots: dict[_Slot, dict[str, list[Member]]] = defaultdict(lambda: defaultdict(list))
    found: list[Member] = []
    for member in labels:
        slot, rest = _slot(member)
        if rest:
            slots[slot][rest].append(member)
        else:
            found.append(member)
    for slot, members in slots.items():
        field = _field(list(members), namer)
        template = f"{slot.head}{{{field}}}{slot.suffix}"
        for rest, alike in members.items():
            label = rest if field == "label" else None
            found += [replace(one, template=template, label=label) if field else one for one in alike]
    return sorted(found, key=lambda member: member.path)


def without_series(labels: Iterable[Member]) -> tuple[list[Member], list[str]]:
    """Leave out label files that are spelt out and counted through, such as an atlas of numbered maps; say which."""
    found = sorted(labels, key=lambda member: member.path)
    counted: dict[str, list[Member]] = defaultdict(list)
    for member in found:
        if member.is_spelt_out and "{" not in member.template:
            counted[re.sub(r"\d+", "#", member.template)].append(member)
    long = {shape: members for shape, members in counted.items() if len(members) > _MOST_COUNTED}
    dropped = {one.path for members in long.values() for one in members}
    notes = [f"decide: {len(members)} files such as {members[0].path} are left out" for members in long.values()]
    return [one for one in found if one.path not in dropped], notes


def rest_of(member: Member) -> str:
    """Return what a label file's name says beside the case's key."""
    rest = _slot(member)[1]
    return rest.removeprefix(member.case).strip("-_. ") or rest if member.is_spelt_out else rest


def _slot(member: Member) -> tuple[_Slot, str]:
    folder, slash, name = member.template.rpartition("/")
    suffix = suffix_of(member.template)
    stem = name.removesuffix(suffix)
    key, brace, rest = stem.rpartition("}")
    gap = re.match(r"[-_. ]*", rest)
    head = f"{folder}{slash}{key}{brace}{gap.group() if gap and brace else ''}"
    rest = rest[gap.end() :] if gap and brace else stem
    return _Slot(head, suffix, member.case if member.is_spelt_out else ""), rest


def _field(rests: Sequence[str], namer: Namer) -> str | None:
    """Return `label` where most words name targets, `rater` where they count people, else None."""
    if len(rests) < 2 or any(re.search(r"[*{}]", rest) for rest in rests):
        return None
    named = sum(namer.target(bare(rest)) is not None for rest in rests)
    if named == len(rests) or (len(rests) >= _FEW and named * 2 >= len(rests)):
        return "label"
    return "rater" if all(_RATER.fullmatch(rest) for rest in rests) else None
