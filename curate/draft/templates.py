"""Paths with fields that match the files they were made from, and no others."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from curate.draft.words import SPLIT_OF, tokens
from curate.recipe import compile_path
from curate.recipe.paths import literal

_UNSPELLABLE = re.compile(r"[{}\\*]+")
_UNSAFE = str.maketrans(dict.fromkeys("{}\\", "\0"))
_MOST_SHAPES = 4
_MOST_KEYS = 60
_MOST_OTHERS = 20_000
"""Other files against which a path is tried."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file, the path with fields that stands for it, and its case."""

    path: str
    template: str
    """`{case}`, `{label}` and `{split}` have no expressions yet."""
    case: str
    label: str | None = None
    """What `{label}` has to capture."""
    is_spelt_out: bool = False
    """The template is the path itself, and the recipe says the case beside it."""


def plain(text: str) -> str:
    """Return text for a path without fields: what a path cannot spell out (braces, backslashes) becomes `*`."""
    return _UNSPELLABLE.sub("*", text)


def narrowed(members: Sequence[Member], by_template: Mapping[str, Sequence[str]]) -> str:
    """Return the members' template with the plainest `{case}` that captures every case as it should.

    Args:
        members: Files of one template.
        by_template: Template -> every file of it; none of the other templates may be taken for one of these.
    """
    template = members[0].template
    if "{case}" not in template:
        return template
    cases = sorted({member.case for member in members})
    tried = list(_expressions(cases))
    for expression in tried:
        candidate = template if expression is None else template.replace("{case}", f"{{case:{expression}}}", 1)
        if _fits(candidate, members, by_template):
            return candidate
    return template if tried[-1] is None else template.replace("{case}", f"{{case:{tried[-1]}}}", 1)


def with_splits(members: Iterable[Member]) -> list[Member]:
    """Put `{split}` where templates differ in nothing but `train`, `val` and `test`, and no case stands in two."""
    found = list(members)
    words: dict[str, dict[str, set[str]]] = {}
    for member in found:
        general, word = _general(member.template)
        if word is not None and not member.is_spelt_out:
            words.setdefault(general, {}).setdefault(word, set()).add(member.case)
    mergeable = {general for general, cases in words.items() if len(cases) > 1 and _disjoint(cases.values())}
    return [
        replace(member, template=general)
        if (general := _general(member.template)[0]) in mergeable and not member.is_spelt_out
        else member
        for member in found
    ]


def split_names(members: Iterable[Member]) -> dict[str, str]:
    """Return the source's words that `{split}` captures -> split, where they differ."""
    found = {
        match.group("split")
        for member in members
        if "{split}" in member.template and (match := compile_path(member.template).fullmatch(member.path))
    }
    return {word: SPLIT_OF[word.lower()] for word in sorted(found) if SPLIT_OF.get(word.lower(), word) != word}


def _fits(candidate: str, members: Sequence[Member], by_template: Mapping[str, Sequence[str]]) -> bool:
    pattern = compile_path(candidate)
    for member in members:
        match = pattern.fullmatch(member.path)
        if match is None or match["case"] != member.case:
            return False
        if member.label is not None and match["label"] != member.label:
            return False
    own = members[0].template
    weaker = [template for template in by_template if template != own and literal(template) <= literal(own)]
    rivals = (path for template in weaker for path in by_template[template])
    return not any(pattern.fullmatch(path) for path in islice(rivals, _MOST_OTHERS))


def _expressions(cases: Sequence[str]) -> Iterable[str | None]:
    """Yield expressions for case keys, ever narrower: anything, one folder each, digits, words, the keys themselves."""
    depth = {case.count("/") for case in cases}
    if depth == {0}:
        yield None
    elif len(depth) == 1:
        yield "/".join(["[^/]+"] * (depth.pop() + 1))
    for shape in (_digits_free, _words_free):
        shapes = sorted({shape(case) for case in cases})
        if len(shapes) <= _MOST_SHAPES:
            yield shapes[0] if len(shapes) == 1 else f"(?:{'|'.join(shapes)})"
    if len(cases) <= _MOST_KEYS:
        yield f"(?:{'|'.join(escaped(case) for case in sorted(cases, key=lambda case: (-len(case), case)))})"
    else:
        yield None


def _digits_free(case: str) -> str:
    return re.sub(r"\d+", r"\\d+", escaped(re.sub(r"\d+", "0", case)))


def _words_free(case: str) -> str:
    return re.sub(r"[^_/]+", "[^_/]+", case)


def escaped(text: str) -> str:
    """Return an expression for a text; what a path cannot spell out becomes a dot."""
    return re.sub(r"[.^$*+?()|\[\]]", r"\\\g<0>", text.translate(_UNSAFE)).replace("\0", ".")


def _general(template: str) -> tuple[str, str | None]:
    """Return a template with `{split}` for its word of a split, and that word where all such words are one."""
    parts = re.split(r"([/_.-])", template)
    found = {part for part in parts if part.lower() in SPLIT_OF}
    if len(found) != 1:
        return template, None
    word = found.pop()
    return "".join("{split}" if part == word else part for part in parts), word


def _disjoint(groups: Iterable[set[str]]) -> bool:
    sizes = [len(group) for group in groups]
    return len(set().union(*groups)) == sum(sizes)


def token_span(name: str, text: str) -> tuple[int, int] | None:
    """Return where a text stands in a name, first from the left, as whole words and numbers and what is between."""
    found = tokens(name)
    for match in re.finditer(re.escape(text), name):
        first, last = match.span()
        inside = [token for token in found if token.start < last and token.end > first]
        if inside and inside[0].start == first and inside[-1].end <= last:
            return first, last
    return None
