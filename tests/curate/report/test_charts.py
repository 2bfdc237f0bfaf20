from xml.etree import ElementTree as ET

import pytest

from curate.report import bars, histograms

HOSTILE = '<script>alert("$x$")</script>'
TEXT = "{http://www.w3.org/2000/svg}text"
STEPS = [{"step": 1, "rule": HOSTILE, "after": 7, "dropped": 3}]


def drawn():
    """Draw one chart of each kind, with a name that is markup."""
    return (
        bars.bars("a", HOSTILE, "masks", {HOSTILE: 3, "liver": 12345}),
        bars.funnel("b", HOSTILE, 10, STEPS),
        histograms.distributions("c", HOSTILE, "volume, ml", {HOSTILE: [1.0, 2.0, 300.0], "nothing": [0.0]}),
        histograms.thresholds("d", HOSTILE, [(HOSTILE, 1.0, [0.5, 0.7])]),
    )


@pytest.mark.parametrize("number", range(4))
def test_a_chart_is_one_element_in_which_names_are_text(number):
    """Parsed as XML it has a title, a description and no element of the name; `$` is no formula."""
    root = ET.fromstring(drawn()[number].svg)
    assert root.find("{http://www.w3.org/2000/svg}title").text == HOSTILE
    assert root.find("{http://www.w3.org/2000/svg}desc").text
    assert not [one for one in root.iter() if one.tag.endswith("script")]
    assert any("<script>" in "".join(one.itertext()) for one in root.iter(TEXT))


def test_the_same_numbers_give_the_same_chart():
    """No date, no random id."""
    assert drawn() == drawn()


def test_counts_stand_beside_their_bars():
    """Every bar says its number, the funnel what is left and what was dropped."""
    chart, funnel, *_ = drawn()
    texts = [one.text for one in ET.fromstring(chart.svg).iter(TEXT)]
    assert "12,345" in texts
    texts = [one.text for one in ET.fromstring(funnel.svg).iter(TEXT)]
    assert {"10", "7 (\N{MINUS SIGN}3)"} <= set(texts)


def test_a_row_says_its_n_and_one_without_values_is_left_out():
    """Values that are zero, or do not exist, have no place on a logarithmic axis and are not counted."""
    chart = histograms.distributions("c", "t", "mm", {"a": [1.0, 0.0, float("nan"), 2.0], "none": [0.0]})
    texts = [one.text for one in ET.fromstring(chart.svg).iter(TEXT)]
    assert "n = 2" in texts
    assert "none" not in texts


@pytest.mark.parametrize("value", [3.0, 0.97656, 512.0, 1e7])
def test_an_axis_of_one_value_is_labelled(value):
    """Where all values are the same, the axis still says where they lie, within a tenth."""
    chart = histograms.distributions("c", "t", "mm", {"a": [value] * 5})
    texts = [one.text.replace(",", "") for one in ET.fromstring(chart.svg).iter(TEXT)]
    numbers = [float(text) for text in texts if text[0].isdigit()]
    assert any(abs(number / value - 1) < 0.1 for number in numbers)


def test_what_is_not_there_has_no_chart():
    """No target, no rule, no value above zero: no empty axes."""
    assert bars.bars("a", "t", "masks", {}) is None
    assert bars.funnel("a", "t", 3, []) is None
    assert histograms.distributions("a", "t", "mm", {"a": [float("nan")]}) is None
    assert histograms.thresholds("a", "t", []) is None
