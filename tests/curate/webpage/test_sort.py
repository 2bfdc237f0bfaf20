"""Sortable tables in a real browser."""

import pytest

from curate.webpage.assets import SORT, text_of

ROW = '<tr><th>{name}</th><td class="number"{order}>{shown}</td><td>{word}</td></tr>'
NONE = '<span class="none">-</span>'


def row(name, number, word):
    """Write one row; None is a value that does not exist."""
    order = "" if number is None else f' data-order="{number}"'
    return ROW.format(name=name, order=order, shown=NONE if number is None else number, word=word or NONE)


@pytest.fixture
def page(opened, tmp_path):
    """Open a page with one table in two groups, the second with a title, and a table that is not to be sorted."""
    first = row("a", 9, "pear") + row("b", None, None) + row("c", 10, "apple")
    second = '<tr class="group"><th colspan="3">others</th></tr>' + row("d", 1, "fig") + row("e", 50, None)
    head = '<thead><tr><th>Name</th><th class="number">Number</th><th>Word</th></tr></thead>'
    tables = [
        f"<table{name}>{head}<tbody>{first}</tbody><tbody>{second}</tbody></table>" for name in (" class=sortable", "")
    ]
    (tmp_path / "page.html").write_text(f"<!doctype html>{''.join(tables)}<script>{text_of(SORT)}</script>")
    return opened(tmp_path / "page.html")[0]


@pytest.mark.parametrize(
    ("column", "orders"),
    [
        ("Number", (("descending", "cab others ed"), ("ascending", "acb others de"))),
        ("Word", (("ascending", "cab others de"), ("descending", "acb others de"))),
    ],
)
def test_rows_sort_within_their_group(page, column, orders):
    """Numbers go by size, largest first, words by letters, and what has no value is last in both directions."""
    table = page.locator("table").first
    for direction, names in orders:
        table.get_by_role("button", name=column).click()
        assert table.locator("th", has_text=column).get_attribute("aria-sort") == direction
        assert (
            "".join(f" {one} " if len(one) > 1 else one for one in table.locator("tbody th").all_inner_texts()) == names
        )
    assert table.locator("[aria-sort]").count() == 1


def test_only_tables_that_ask_for_it_get_buttons(page):
    """A table without the class is left alone."""
    assert page.locator("table").nth(1).get_by_role("button").count() == 0
