"""The numbers in docs/vocabulary.md are those of the files."""

import re
from pathlib import Path

import pytest

from curate.plugins import shipped_folder
from curate.vocabulary import KINDS, Vocabulary
from curate.vocabulary.spelling import rows

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "vocabulary.md").read_text(encoding="utf-8")


def number(pattern):
    """Return the number that a pattern captures in the text."""
    return int(re.search(pattern, TEXT)[1].replace(",", ""))


@pytest.mark.parametrize("name", ["targets", "synonyms", "modalities", "modality_synonyms"])
def test_the_page_counts_the_rows_of_a_file(name):
    """The table of files states how many rows each has."""
    count = sum(1 for _ in rows(shipped_folder("vocabulary") / f"{name}.csv"))
    assert number(rf"\| `{name}\.csv` \| ([\d,]+) \|") == count


def test_the_page_counts_codes():
    """The page states how many targets have a code."""
    coded = sum(target.snomed_type is not None for target in Vocabulary.load().targets.values())
    assert number(r"([\d,]+) targets have a code") == coded


def test_the_page_names_every_kind():
    """The page names the kinds in the order of the closed list."""
    kinds = re.search(r"`kind`: ([^.]+)\.", TEXT)[1].replace(" or ", ", ").split(", ")
    assert kinds == list(KINDS)
