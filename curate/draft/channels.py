"""Which images are channels of one case, and what to call them."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from curate.draft.gather import name_of
from curate.draft.listing import suffix_of
from curate.draft.templates import Member
from curate.draft.words import shared_length

EntryKey = tuple[str, str]
"""What the files of one entry share: the template, and the case where it is spelt out ('' elsewhere)."""


def entry_key(member: Member) -> EntryKey:
    """Return the entry that a file belongs to."""
    return member.template, member.case if member.is_spelt_out else ""


def by_entry(members: Iterable[Member]) -> list[list[Member]]:
    """Group files by entry, sorted by template."""
    groups: dict[EntryKey, list[Member]] = defaultdict(list)
    for member in members:
        groups[entry_key(member)].append(member)
    return [groups[key] for key in sorted(groups)]


def channels(images: Iterable[Member]) -> dict[EntryKey, str | None]:
    """Return the channel of every image entry; None where no case has a second image."""
    of_case: dict[str, set[EntryKey]] = defaultdict(set)
    for image in images:
        of_case[image.case].add(entry_key(image))
    group_of: dict[EntryKey, set[EntryKey]] = {}
    for keys in of_case.values():
        group = set().union(keys, *(group_of.get(key, set()) for key in keys))
        group_of.update(dict.fromkeys(group, group))
    names: dict[EntryKey, str | None] = {}
    for key in sorted(group_of):
        if key not in names:
            names.update(_named(sorted(group_of[key])))
    return names


def _named(keys: Sequence[EntryKey]) -> dict[EntryKey, str | None]:
    """Call each entry of a group by the words in which it differs from the others."""
    if len(keys) == 1:
        return {keys[0]: None}
    words = [re.split(r"(?<=[/_. -])|(?=[/_. -])", template.removesuffix(suffix_of(template))) for template, _ in keys]
    head = min(shared_length(words[0], one) for one in words)
    tail = min(min(shared_length(words[0][::-1], one[::-1]), len(one) - head) for one in words)
    names: dict[EntryKey, str | None] = {}
    for key, own in zip(keys, words, strict=True):
        name = name_of("".join(own[head : len(own) - tail])) or "image"
        numbered = [name, *(f"{name}-{number}" for number in range(2, len(keys) + 1))]
        names[key] = next(text for text in numbered if text not in names.values())
    return names
