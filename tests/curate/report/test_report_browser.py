"""The page in a real browser."""

import pytest


@pytest.fixture
def visit(opened, written):
    """Open the page and collect what the console says and what is asked for."""
    return opened(written[0] / "index.html")


@pytest.fixture
def page(visit):
    """Return the opened page."""
    return visit[0]


def test_page_opens_in_silence(visit, written):
    """The console stays empty; nothing outside the report's own folder is asked for, and every picture is there."""
    page, said = visit
    page.evaluate("for (const image of document.images) image.loading = 'eager'")
    page.wait_for_function("[...document.images].every(image => image.complete)")
    assert said.console == []
    assert {url for url in said.asked if not url.startswith(written[0].as_uri())} <= {"data:,"}
    assert page.evaluate("[...document.images].map(image => image.naturalWidth > 0)") == [True] * 4


def test_hostile_names_are_text(page):
    """Markup in titles and evidence makes no element and runs nothing; a homepage that is a script is no link."""
    assert page.title() == "Store report: 2 datasets, 4 images"
    assert page.locator("img[src=x]").count() == 0
    assert page.locator("small", has_text="onerror").count() >= 4
    assert page.locator("a[href^=javascript]").count() == 0
    assert page.locator("a[href='https://example.org/licence']").count() == 2


def test_every_link_within_the_page_leads_somewhere(page):
    """Sections and codes are there under the names that links have."""
    targets = page.locator("a[href^='#']").evaluate_all("links => links.map(link => link.hash.slice(1))")
    assert "code-no_label" in targets
    assert [name for name in targets if page.locator(f"[id='{name}']").count() != 1] == []


def test_header_button_sorts_by_keyboard(page):
    """Enter sorts a column of numbers largest first, a second time smallest first."""
    table = page.locator("#section-targets table").first
    head = table.locator("th", has_text="Masks").first
    names = "rows => rows.map(row => row.cells[0].textContent.trim())"
    head.get_by_role("button").focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert table.locator("tbody tr").evaluate_all(names) == ["liver", "spleen"]
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    assert table.locator("tbody tr").evaluate_all(names) == ["spleen", "liver"]


@pytest.mark.parametrize("width", [360, 1400])
def test_page_is_never_wider_than_the_window(page, width):
    """Wide tables and charts scroll inside their own frame."""
    page.set_viewport_size({"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_charts_have_the_ink_of_the_page(page, scheme):
    """In light and in dark, charts are drawn in the colour of the text, and have a title and a description."""
    page.emulate_media(color_scheme=scheme)
    ink = page.evaluate("getComputedStyle(document.body).color")
    inks = page.evaluate("[...document.querySelectorAll('svg text')].map(one => getComputedStyle(one).fill)")
    assert len(inks) > 0
    assert set(inks) == {ink}
    for chart in page.locator("svg").all():
        assert chart.locator("title").text_content()
        assert chart.locator("desc").text_content()


def test_ids_are_unique(page):
    """Charts, sections and codes share no id."""
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(one => one.id)")
    assert len(ids) == len(set(ids))


def test_pictures_say_what_they_show(page):
    """Alternative texts name image, modality, slice and targets."""
    texts = page.locator(".tiles img").evaluate_all("images => images.map(image => image.alt)")
    assert texts[0] == "first/a, CT, axial slice 1 of 4; outlines of liver, spleen"


def test_everything_fits_on_paper(page):
    """On A4 across (297 mm at 96 pixels an inch, less two margins of 10 mm) no table and no chart is cut off."""
    page.set_viewport_size({"width": round((297 - 20) / 25.4 * 96), "height": 700})
    page.emulate_media(media="print")
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]


def test_nothing_is_folded_on_paper(page):
    """Before printing every table opens."""
    assert page.locator("details:not([open])").count() > 0
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0


def test_page_works_without_javascript(browser, written):
    """With scripts off the tables are complete and have no dead buttons."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((written[0] / "index.html").as_uri())
    assert page.locator("button").count() == 0
    assert page.locator("#section-datasets tbody th[scope=row]").count() == 2
    context.close()
