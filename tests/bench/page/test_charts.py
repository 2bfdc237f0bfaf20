import re
from types import SimpleNamespace

import pytest

from bench import plots
from bench.board import Board
from bench.page.charts import MOST_TARGETS, chart
from bench.statistics.figures import ALL, FAILED_IS_ZERO, OVER_MASKS, Figure, Key


def texts(svg):
    """Return what is written in a chart."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


def board_of(values):
    """Make a board of `(model, target) -> (dice, n)`, without runs."""
    figures = {
        Key(model, "target", target, 1, "dice", FAILED_IS_ZERO, OVER_MASKS): Figure(dice, None, None, n, n, 1)
        for (model, target), (dice, n) in values.items()
    }
    entries = tuple(SimpleNamespace(name=name, ranks={}) for name in sorted({model for model, _ in values}))
    return Board(entries, (1,), figures, (), ())


def test_heat_map_writes_each_number_and_hatches_what_is_missing():
    """One target has no mask of model b: its cell is hatched, the other three hold their Dice."""
    svg = chart(board_of({("a", "liver"): (0.91, 9), ("b", "liver"): (0.12, 9), ("a", "spleen"): (0.5, 4)}), "heatmap")
    assert {"0.91", "0.12", "0.50"} <= set(texts(svg))
    full = chart(board_of({("a", "liver"): (0.91, 9), ("b", "liver"): (0.12, 9)}), "heatmap")
    assert svg.count("fill: url(#heatmap-") == full.count("fill: url(#heatmap-") + 1


def test_heat_map_has_the_largest_targets_and_says_the_rest():
    """Of 45 targets the 40 with most masks are drawn, largest first, and the description says so."""
    svg = chart(board_of({("a", f"t{n:02}"): (0.5, 100 - n) for n in range(45)}), "heatmap")
    names = [text for text in texts(svg) if text.startswith("t")]
    assert sorted(names) == [f"t{n:02} ({100 - n})" for n in range(MOST_TARGETS)]
    assert "Of 45 targets, the 40 with most masks are drawn." in svg


def test_numbers_are_left_out_where_there_is_no_room():
    """With twenty models the cells are bare; the table has the numbers."""
    svg = chart(board_of({(f"m{n}", "liver"): (0.37, 5) for n in range(20)}), "heatmap")
    assert "0.37" not in texts(svg)


@pytest.mark.parametrize("key", ["heatmap", "no such chart"])
def test_nothing_to_draw_is_no_chart(key):
    """A board without targets, or a key that nobody knows, gives no chart."""
    assert chart(Board((), (1,), {Key("a", ALL, ALL, 1, "dice", FAILED_IS_ZERO, OVER_MASKS): None}, (), ()), key) == ""


def test_places_beyond_the_third_share_one_part():
    """Of five places the last two are one part, whose share is their sum."""
    parts = plots.of_places(5)
    assert [part.name for part in parts] == ["place 1", "place 2", "place 3", "place 4 or later"]
    bars = [plots.Bar("a", (0.5, 0.2, 0.1, 0.2))]
    assert {"50 %", "20 %", "10 %"} <= set(texts(plots.stacked(bars, parts, "stability", "share", "t", "d")))


def test_bars_are_as_long_as_their_shares():
    """A bar of 75 % is three times as long as one of 25 %, and both start where the other ends."""
    parts = plots.of_outcomes(["ok", "failed"])
    svg = plots.stacked([plots.Bar("a", (0.75, 0.25))], parts, "failures", "share", "t", "d")
    drawn = [[float(x) for x in re.findall(r"[ML] ([\d.]+) ", path)] for path in re.findall(r'd="(M [^"]*)z', svg)]
    axis = max(max(xs) - min(xs) for xs in drawn[1:])
    first, second = ((min(xs), max(xs)) for xs in drawn[1:] if axis / 9 < max(xs) - min(xs) < axis * 0.99)
    assert first[1] == pytest.approx(second[0])
    assert first[1] - first[0] == pytest.approx(3 * (second[1] - second[0]))


def test_charts_need_no_style_sheet_and_are_described():
    """A chart has title and description, and no style element that a strict policy would refuse."""
    svg = plots.stacked([plots.Bar("<a>", (1.0,))], plots.of_outcomes(["ok"]), "k", "x", "<title>", "what & why")
    assert "<style" not in svg
    assert '<title id="k-title">&lt;title&gt;</title><desc id="k-desc">what &amp; why</desc>' in svg
    assert "&lt;a&gt;" in svg
