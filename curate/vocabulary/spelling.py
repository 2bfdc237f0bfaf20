"""How words are read and compared: CSV rows, folded spelling, the nearest known word."""

import csv
import difflib
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from curate.errors import UnknownNameError

_MANY = 16
_AMERICAN = {"tumour": "tumor", "oedema": "edema", "haem": "hem", "grey": "gray", "oesoph": "esoph"}


def rows(path: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of a CSV file of the vocabulary as column -> text."""
    with path.open(encoding="utf-8", newline="") as stream:
        lines = csv.reader(stream)
        columns = next(lines)
        for cells in lines:
            yield dict(zip(columns, cells, strict=True))


def fold(label: str) -> str:
    """Return a label without the differences that mean nothing.

    Lower case, American spelling, and one space for whatever stands between letters and digits: `Brain_Tumour` and
    `brain tumor` are one word.
    """
    word = re.sub(r"[\W_]+", " ", label.casefold()).strip()
    for british, american in _AMERICAN.items():
        word = word.replace(british, american)
    return word


def known(what: str, word: str, words: Collection[str]) -> str:
    """Return `word` if it is one of `words`.

    Raises:
        UnknownNameError: When it is not; the message says what it should have been (`what`) and names the nearest.
    """
    if word not in words:
        raise unknown(what, word, words)
    return word


def unknown(what: str, word: str, words: Collection[str]) -> UnknownNameError:
    """Return the error for a word that is none of `words`; its hint ignores upper and lower case."""
    folded = {one.casefold(): one for one in words}
    near = difflib.get_close_matches(word.casefold(), folded, n=1)
    if near:
        return UnknownNameError(f"unknown {what} `{word}`; did you mean `{folded[near[0]]}`?")
    some = sorted(folded.values())[:_MANY]
    return UnknownNameError(f"unknown {what} `{word}`; known: {', '.join(some)}{', ...' if len(some) == _MANY else ''}")
