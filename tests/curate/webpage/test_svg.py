from xml.etree import ElementTree as ET

from curate.webpage import svg

HOSTILE = '<script>alert("$x$")</script>'
SPACE = "{http://www.w3.org/2000/svg}"


def drawn(key):
    """Draw a line, a grid and a hostile name."""
    with svg.figure(2, {"axes.grid": True}) as figure:
        axes = figure.add_subplot()
        axes.plot([0, 1], color=svg.INK)
        axes.set_xlabel(HOSTILE)
        return svg.element(figure, key, HOSTILE, "what & why")


def test_a_chart_is_one_element_without_a_style_sheet():
    """Parsed as XML it has a title, a description, no style, no metadata and no element of the name."""
    root = ET.fromstring(drawn("a"))
    assert (root.find(f"{SPACE}title").text, root.find(f"{SPACE}desc").text) == (HOSTILE, "what & why")
    assert not {one.tag.removeprefix(SPACE) for one in root.iter()} & {"style", "script", "metadata"}
    assert HOSTILE in [one.text for one in root.iter(f"{SPACE}text")]


def test_ink_and_grid_are_the_page_s():
    """No stand-in is left, and both colours come from the page."""
    text = drawn("a")
    assert svg.INK not in text
    assert svg.GRID not in text
    assert "currentColor" in text
    assert "var(--grid)" in text


def test_two_charts_share_no_id():
    """The same drawing under two keys can stand on one page; under one key it is the same text."""
    ids = [{one.get("id") for one in ET.fromstring(drawn(key)).iter()} - {None} for key in "ab"]
    assert not ids[0] & ids[1]
    assert drawn("a") == drawn("a")


def test_a_long_name_ends_in_an_ellipsis():
    """A name as long as the room stays; one letter more, and the last that fits is an ellipsis."""
    assert svg.shortened("abcd", 4) == "abcd"
    assert svg.shortened("abcde", 4) == "abc\N{HORIZONTAL ELLIPSIS}"
