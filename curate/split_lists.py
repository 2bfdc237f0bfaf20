"""The splits that a source states in lists: text, CSV or JSON files, or the recipe itself."""

import json
import re
from collections.abc import Container, Iterable, Iterator, Sequence
from typing import Any

from curate.errors import ConfigError
from curate.recipe import Recipe, SplitList
from curate.source_tree import SourceTree

_HELD_OUT_FIRST = ("test", "val", "train")
_LONGEST_LIST = 256 << 20
"""Bytes; a list of all cases of the largest public dataset has a few MiB."""


def listed_splits(recipe: Recipe, tree: SourceTree, cases: Container[str]) -> dict[str, str]:
    """Return case key -> split, as the source's lists say; a case in two lists stands in the more held-out one.

    Args:
        recipe: Its `splits.lists` and `splits.cases` say where.
        tree: Where the lists lie.
        cases: The case keys that are there.

    Raises:
        ConfigError: When a list cannot be read, or names none of the cases that are there.
    """
    stated: dict[str, set[str]] = {}
    for source in recipe.splits.lists:
        keys = [key for text in _texts(source, tree) for key in _keys(source, text)]
        _check_known(keys, cases, f"{recipe.dataset.id}: {source.file}", "set `case` in [[splits.lists]]")
        for key in keys:
            stated.setdefault(key, set()).add(source.split)
    written = [(key, split) for split, keys in recipe.splits.cases.items() for key in keys]
    if written:
        found = [key for key, _ in written]
        _check_known(found, cases, f"{recipe.dataset.id}: [splits.cases]", "write what {case} captures")
    for key, split in written:
        stated.setdefault(key, set()).add(split)
    return {key: next(name for name in _HELD_OUT_FIRST if name in splits) for key, splits in stated.items()}


def _check_known(keys: Sequence[str], cases: Container[str], where: str, hint: str) -> None:
    """Refuse keys of which none is a case.

    Raises:
        ConfigError: With the first of them.
    """
    if not any(key in cases for key in keys):
        examples = ", ".join(f"`{key}`" for key in keys[:3]) or "nothing"
        raise ConfigError(f"{where} names no case (found {examples}); {hint}")


def _texts(source: SplitList, tree: SourceTree) -> Iterator[str]:
    """Yield the lines of a list, or the strings of its JSON."""
    path = tree.raw / source.file
    try:
        if path.stat().st_size > _LONGEST_LIST:
            raise ConfigError(f"{path}: too large for a list of cases")
        text = path.read_text(encoding="utf-8-sig")
        if not source.file.endswith(".json"):
            yield from text.splitlines()
            return
        content: Any = json.loads(text)
        for part in source.key.split(".") if source.key else ():
            content = content[int(part)] if isinstance(content, list) else content[part]
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise ConfigError(f"{path}: the list of splits cannot be read ({type(error).__name__}: {error})") from error
    yield from _strings(content)


def _strings(content: Any) -> Iterable[str]:
    """Yield every string in JSON content, depth first."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict):
        for value in content.values():
            yield from _strings(value)
    elif isinstance(content, list):
        for value in content:
            yield from _strings(value)


def _keys(source: SplitList, text: str) -> Iterator[str]:
    """Yield the case keys that stand in one line or string."""
    yield from (match.group(1) for match in re.finditer(source.case, text) if match.group(1))
