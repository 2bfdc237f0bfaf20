import re

import pytest

from curate import catalogue
from curate.errors import UnknownNameError
from curate.licences import ALLOWED, commercial_use, licence, licences

CREATIVE_COMMONS = [name for name in licences() if name.startswith("CC-")]


def test_every_word_of_the_table_is_from_the_closed_list():
    """Each licence says yes, no or unclear to each kind of use, and has a title of its own."""
    for one in licences().values():
        assert {one.commercial, one.derivatives, one.share_alike} <= set(ALLOWED)
    assert len({one.title for one in licences().values()}) == len(licences())


@pytest.mark.parametrize("name", CREATIVE_COMMONS)
def test_creative_commons_allow_what_their_letters_say(name):
    """NC forbids commercial use, ND changed copies, SA asks for the same licence; the address spells the letters."""
    letters, version = re.fullmatch(r"CC-([A-Z-]+?)(?:-(\d\.\d))?", name).groups()
    one = licence(name)
    assert one.is_spdx == (version is not None)
    assert one.commercial == ("no" if "NC" in letters else "yes")
    assert one.derivatives == ("no" if "ND" in letters else "yes")
    assert one.share_alike == ("yes" if "SA" in letters else "no")
    address = f"https://creativecommons.org/licenses/{letters.lower()}/{version}/"
    assert one.url == (address if version else None)


def test_what_has_no_identifier_allows_nothing_for_certain():
    """Terms without SPDX identifier never say yes: their text decides, and the table does not."""
    named = [one for one in licences().values() if not one.is_spdx and one.name not in CREATIVE_COMMONS]
    assert {one.name for one in named} >= {"unclear", "challenge-terms", "data-use-agreement"}
    assert [one.name for one in named if "yes" in (one.commercial, one.derivatives)] == []


def test_an_unknown_licence_names_the_nearest():
    """A misspelt licence is one line with the nearest name."""
    with pytest.raises(UnknownNameError, match=r"unknown licence `CC-BY-4`; did you mean `CC-BY-4\.0`\?; known: "):
        licence("CC-BY-4")


@pytest.mark.parametrize(
    ("name", "conflict", "use"),
    [
        ("CC-BY-4.0", None, "yes"),
        ("CC-BY-NC-4.0", None, "no"),
        ("CC-BY-4.0", "the page says CC-BY-NC-4.0", "unclear"),
        ("unclear", None, "unclear"),
        ("terms of our own", None, "unclear"),
    ],
)
def test_commercial_use_is_unclear_where_statements_conflict(name, conflict, use):
    """Two statements that cannot both hold allow nothing, and neither does a licence that nobody knows."""
    assert commercial_use(name, conflict) == use


def test_every_licence_of_a_shipped_recipe_is_in_the_table():
    """No recipe names a licence of which nothing is known."""
    entries, _ = catalogue.load()
    assert {(entry.recipe, entry.licence) for entry in entries if entry.licence not in licences()} == set()
