"""Text and tables as Markdown in which names are nothing but text."""

import re
from collections.abc import Iterable, Sequence

_PUNCTUATION = re.compile(r"([\\`*_\[\]#|~])")


def escape(text: str) -> str:
    """Make text mean itself: no markup, no HTML, one line."""
    flat = " ".join(text.split())
    html_free = flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _PUNCTUATION.sub(r"\\\1", html_free)


def grid(titles: Sequence[str], are_numbers: Sequence[bool], rows: Iterable[Sequence[str]]) -> str:
    """Write a table.

    Args:
        titles: Of the columns; they are escaped here.
        are_numbers: Which columns hold numbers and stand to the right.
        rows: Cells from left to right, escaped already.
    """
    ruler = ["---:" if is_number else "---" for is_number in are_numbers]
    lines = [[escape(title) for title in titles], ruler, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
