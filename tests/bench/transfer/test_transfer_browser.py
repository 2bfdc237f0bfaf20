"""The page of a transfer study in a real browser."""

import pytest

from bench.transfer import study

HOSTILE = "<img src=x onerror=\"document.title='owned'\">"


@pytest.fixture
def path(make_run, tmp_path):
    """Write a study of two runs, one with a hostile name."""
    rows = [
        {"patient_id": f"p{patient}", "target": target, "seen_target": answer, "dice": dice, "suite_group": HOSTILE}
        for patient in range(6)
        for target, answer, dice in (("liver", "seen", 0.9), ("spleen", "unseen", 0.5), ("kidney", "unknown", 0.7))
    ]
    return study.write([make_run(rows), make_run(rows, model=HOSTILE)], tmp_path / "out")[0]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page(opened, path, scheme):
    """In light and dark the page says nothing, asks for nothing, takes no markup from names, and draws every chart."""
    page, said = opened(path, color_scheme=scheme)
    assert (said.console, said.asked) == ([], [path.as_uri()])
    assert page.title() == "Transfer study: tiny"
    assert page.locator("img").count() == 0
    charts = page.locator(".chart svg")
    assert charts.count() == 4
    assert all(charts.nth(at).bounding_box()["height"] > 100 for at in range(4))
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(one => one.id)")
    assert len(ids) == len(set(ids))


def test_sorting(opened, path):
    """A column of the table of gaps sorts when its head is clicked."""
    page, _ = opened(path)
    table = page.locator("#section-gap table").first
    head = table.locator("thead th", has_text="Gap, raw")
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    assert table.locator("tbody tr").first.locator("td").first.inner_text() == "target"
