"""The page in a real browser."""

import pytest

from bench.leaderboard import write

HOSTILE = "<img src=x onerror=\"document.title='owned'\">"
DICE_COLUMN = "Dice, mean over masks"


def rows(level, dataset="d1"):
    """Make six patients around one level of Dice."""
    return [{"patient_id": f"p{i}", "dice": level + 0.01 * i, "dataset": dataset} for i in range(6)]


@pytest.fixture(scope="module")
def page_path(write_run, tmp_path_factory):
    """Write a leaderboard of two ranked models, a partial one with a hostile name and a reference."""
    folder = tmp_path_factory.mktemp("page")
    partial = [*rows(0.9)[:5], {"patient_id": "p5", "status": "unsupported"}]
    runs = [
        write_run(folder / "low", rows(0.2), "low"),
        write_run(folder / "high", rows(0.6), "high"),
        write_run(folder / "partial", partial, HOSTILE),
        write_run(folder / "truth", rows(0.9), "truth", card={"sees_reference": True}),
    ]
    return write(runs, folder / "out")[3]


@pytest.fixture
def visit(opened, page_path):
    """Open the page and collect what the console says."""
    return opened(page_path)


@pytest.fixture
def page(visit):
    """Return the opened page."""
    return visit[0]


def test_page_opens_in_silence(visit, page_path):
    """The console stays empty and nothing but the page itself is requested."""
    _, said = visit
    assert said.console == []
    assert [url for url in said.asked if not url.startswith("data:")] == [page_path.as_uri()]


def test_hostile_name_is_text(page):
    """Markup in a model's name makes no element and runs nothing, in tables and in the four charts that show it."""
    assert page.title() == "Leaderboard: tiny@1"
    assert page.locator("img").count() == 0
    assert page.locator("tbody th", has_text=HOSTILE).count() > 0
    assert page.locator("svg text", has_text=HOSTILE[:20]).count() == 4


def test_header_button_sorts_rows_within_their_group(page):
    """A click sorts the ranked models by a column, a second click the other way; the other groups stay below."""
    table = page.locator("table").first
    names = "rows => rows.map(row => row.cells[0].firstChild.textContent.trim())"
    button = table.get_by_role("button", name=DICE_COLUMN)
    head = table.locator("th", has_text=DICE_COLUMN)
    button.click()
    assert head.get_attribute("aria-sort") == "descending"
    assert table.locator("tbody").first.locator("tr").evaluate_all(names) == ["high", "low"]
    button.focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    assert table.locator("tbody").first.locator("tr").evaluate_all(names) == ["low", "high"]
    assert table.locator("tbody").nth(2).locator("tr").evaluate_all(names)[1] == "truth"


@pytest.mark.parametrize("width", [400, 1400])
def test_page_is_never_wider_than_the_window(page, width):
    """Wide tables scroll inside their own frame."""
    page.set_viewport_size({"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_ink_stands_out_from_paper(page, scheme):
    """Text and charts have at least the contrast 7:1 (WCAG 2.2, 1.4.6) in light and in dark."""
    page.emulate_media(color_scheme=scheme)
    colours = page.evaluate(
        """() => [document.body, document.querySelector('svg')].map(one => getComputedStyle(one).color)
           .concat(getComputedStyle(document.body).backgroundColor)"""
    )
    *inks, paper = (luminance(colour) for colour in colours)
    for ink in inks:
        assert (max(ink, paper) + 0.05) / (min(ink, paper) + 0.05) >= 7


def luminance(colour):
    """Compute the relative luminance of `rgb(r, g, b)` as WCAG defines it."""
    values = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in values]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_page_works_without_javascript(browser, page_path):
    """With scripts off the table is complete, has no dead buttons, and the explorer says what it needs."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(page_path.as_uri())
    assert page.locator("button").count() == 0
    assert page.get_by_text("The explorer needs JavaScript").is_visible()
    assert page.locator("table").first.locator("tbody th[scope=row]").count() == 4
    context.close()


@pytest.fixture(scope="module")
def boards(write_run, tmp_path_factory):
    """Write boards of two suites, one of them under two protocols, and return their pages."""
    folder = tmp_path_factory.mktemp("boards")
    harder = {"name": "harder", "version": 1, "sha256": "dd"}
    boxes = {"name": "boxes", "version": 1, "parameters": {}, "sha256": "ee"}
    on_boxes = [row | {"protocol": "boxes@1", "protocol_hash": "ee"} for row in rows(0.7)]
    runs = [
        write_run(folder / "one", rows(0.2), "one"),
        write_run(folder / "two", [row | {"suite": "harder"} for row in rows(0.4)], "two", suite=harder),
        write_run(folder / "three", on_boxes, "three", protocol=boxes),
    ]
    return [path for path in write(runs, folder / "out") if path.suffix == ".html"]


def test_every_board_is_reached_from_every_board(browser, boards):
    """With scripts off the selector goes from board to board, marks the one that is shown, and none has strangers."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    shown = {}
    for path in boards:
        page.goto(boards[0].as_uri())
        page.locator(f".boards a[href='{path.name}']").click()
        here = page.locator(".boards a[aria-current=page]")
        assert here.get_attribute("href") == path.name
        suite = here.locator("xpath=ancestor::li[2]/span").inner_text()
        shown[suite, here.inner_text()] = page.locator("table").first.locator("tbody th[scope=row]").all_inner_texts()
    assert {key: names[0] for key, names in shown.items()} == {
        ("harder@1", "clicks@2"): "two",
        ("tiny@1", "clicks@2"): "one",
        ("tiny@1", "boxes@1"): "three",
    }
    assert all(len(names) == 1 for names in shown.values())
    context.close()


def test_one_board_needs_no_selector(page):
    """A page that stands alone offers no other."""
    assert page.locator(".boards").count() == 0


def test_no_other_script_runs(visit):
    """The policy of the page refuses scripts and style sheets that are not its own, and says so."""
    page, said = visit
    page.evaluate(
        """() => {
            for (const [name, text] of [["script", "document.title = 'owned'"], ["style", "body { color: red }"]]) {
                const added = document.createElement(name);
                added.textContent = text;
                document.head.append(added);
            }
        }"""
    )
    assert page.title() == "Leaderboard: tiny@1"
    assert len([text for text in said.console if "Content Security Policy" in text]) == 2


def test_first_tab_skips_to_the_tables(page):
    """The first stop of the keyboard is a link that leads past the header, and it is seen when it is there."""
    page.keyboard.press("Tab")
    link = page.locator(":focus")
    assert link.inner_text() == "To the tables"
    assert link.bounding_box()["x"] >= 0
    page.keyboard.press("Enter")
    page.wait_for_url("**/index.html#main")  # the browser goes there in its own time


def test_paper_is_white_and_has_no_folds(page):
    """Printed from a dark screen the page is black on white, nothing sticks, and every table is there."""
    page.emulate_media(media="print", color_scheme="dark")
    look = page.evaluate(
        """() => {
            dispatchEvent(new Event("beforeprint"));
            const style = getComputedStyle(document.body);
            const sticky = [...document.querySelectorAll("tbody th")].map(one => getComputedStyle(one).position);
            return [style.backgroundColor, style.color, new Set(sticky).has("sticky"),
                    document.querySelectorAll("details:not([open])").length];
        }"""
    )
    assert look == ["rgb(255, 255, 255)", "rgb(0, 0, 0)", False, 0]
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details[open]").count() == 0
