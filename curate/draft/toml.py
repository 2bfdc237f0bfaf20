"""Text of a recipe: whatever a file or folder is called, it stays text inside a string or a comment."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_NO_COMMENT = re.compile(r"[\x00-\x1f\x7f\x80-\x9f\u2028\u2029\ud800-\udfff]")
_LONGEST_COMMENT = 116


def string(text: str) -> str:
    """Return a TOML string: literal ('...') where backslashes would need escapes, basic ("...") elsewhere."""
    if "\\" in text and "'" not in text and text.isprintable():
        return f"'{text}'"
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def key(text: str) -> str:
    """Return a TOML key, quoted where it must be."""
    return text if _BARE_KEY.fullmatch(text) else string(text)


def inline(table: Mapping[str, str]) -> str:
    """Return an inline table of strings."""
    inside = ", ".join(f"{key(name)} = {string(value)}" for name, value in table.items())
    return f"{{ {inside} }}" if inside else "{}"


def comment(text: str) -> Iterator[str]:
    """Yield comment lines of bounded length; control characters, which TOML forbids there, become spaces."""
    line = "#"
    for word in _NO_COMMENT.sub(" ", text).split():
        if len(line) + 1 + len(word) > _LONGEST_COMMENT and line != "#":
            yield line
            line = "#"
        line += f" {word}"
    if line != "#":
        yield line


def comments(texts: Iterable[str]) -> list[str]:
    """Return the comment lines of several remarks."""
    return [line for text in texts for line in comment(text)]
