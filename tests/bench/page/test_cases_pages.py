import io
import re
import shutil

import numpy as np
import pytest
from PIL import Image

from bench.leaderboard import write
from bench.page import niivue
from bench.page.cases import Sources
from curate.errors import StoreError

COLOUR = (0x56, 0xB4, 0xE9)
"""Of the first model's mask."""


@pytest.fixture(scope="module")
def run(kept_run):
    """Run region-growing on the small store and keep its predictions."""
    return kept_run("region-growing")


@pytest.fixture(scope="module")
def board(run, tmp_path_factory):
    """Write the leaderboard of the run with its cases."""
    return write([run], tmp_path_factory.mktemp("board"), (), Sources([run]))[3]


def case_of_a_volume(folder):
    """Return a page of a 3D image."""
    return next(path for path in sorted((folder / "cases").iterdir()) if "3D viewer" in path.read_text("utf-8"))


def test_every_case_is_linked_and_exists(board):
    """The leaderboard links a best, a median and a worst case, and every page is linked."""
    links = set(re.findall(r'href="(cases/[^"]+)"', board.read_text(encoding="utf-8")))
    assert links == {f"cases/{path.name}" for path in (board.parent / "cases").iterdir()}
    assert 1 <= len(links) <= 3


def test_same_run_gives_the_same_pages(run, board, tmp_path):
    """Written again, every file of the folder has the same bytes."""
    write([run], tmp_path / "again", (), Sources([run]))
    for path in board.parent.rglob("*"):
        if path.is_file():
            assert (tmp_path / "again" / path.relative_to(board.parent)).read_bytes() == path.read_bytes(), path


def test_no_page_names_a_folder_of_this_machine(run, store, board):
    """Neither the run's nor the store's path stands on a page."""
    for path in (board.parent / "cases").iterdir():
        text = path.read_text(encoding="utf-8")
        assert str(run) not in text
        assert str(store) not in text


def test_runs_without_predictions_have_no_cases_unless_demanded(bench_run, tmp_path):
    """Without kept predictions the board is as ever; who demands cases is told what to run."""
    bench_run("empty", tmp_path / "run")
    text = write([tmp_path / "run"], tmp_path / "out", (), Sources([tmp_path / "run"]))[3].read_text(encoding="utf-8")
    assert "section-cases" not in text
    with pytest.raises(StoreError, match="no run kept its predictions; run again with --keep-predictions"):
        write([tmp_path / "run"], tmp_path / "out", (), Sources([tmp_path / "run"], is_required=True))


def test_a_store_that_moved_is_found_where_it_is_said_to_be(bench_run, own_store, tmp_path):
    """Where the store is gone there are no cases, or an error for who demands them; --store brings them back."""
    bench_run("empty", tmp_path / "run", on=own_store, keep_predictions=True)
    runs = [tmp_path / "run"]
    moved = own_store.rename(tmp_path / "moved")
    with pytest.raises(StoreError, match="the store of run is not where it was; give it with --store STORE"):
        write(runs, tmp_path / "out", (), Sources(runs, is_required=True))
    write(runs, tmp_path / "out", (), Sources(runs, moved, is_required=True))
    assert any((tmp_path / "out" / "cases").iterdir())


def test_a_damaged_prediction_costs_its_page_only(run, tmp_path):
    """A case that cannot be read is named with the reason, and the leaderboard stands."""
    damaged = shutil.copytree(run, tmp_path / "damaged")
    for path in (damaged / "predictions").rglob("*.nii.gz"):
        path.write_bytes(b"no image")
    text = write([damaged], tmp_path / "out", (), Sources([damaged]))[3].read_text(encoding="utf-8")
    assert "no page: " in text
    assert 'href="cases/' not in text


def test_a_page_without_the_viewer_says_how_to_get_it(run, tmp_path, monkeypatch):
    """Built without npm, the page has its slices, no script at all, and the command that fetches the viewer."""
    monkeypatch.setattr(niivue, "vendored", lambda *_: None)
    folder = write([run], tmp_path / "out", (), Sources([run]))[3].parent
    text = case_of_a_volume(folder).read_text(encoding="utf-8")
    assert "was not built into the installation" in text
    assert "python -m bench.page.niivue" in text
    assert "<script" not in text
    assert not (folder / "assets").exists()


def test_ticks_hide_outlines_without_a_script(board, opened):
    """With scripts off a tick shows and hides its outline, and the drawings say what they show."""
    page, _ = opened(case_of_a_volume(board.parent), java_script_enabled=False)
    outline = page.locator(".planes .of-reference").first
    assert outline.is_visible()
    page.get_by_role("checkbox", name="reference").uncheck()
    assert not outline.is_visible()
    said = page.locator(".planes svg").first.get_attribute("aria-label")
    assert said.startswith("Axial slice through the middle of the reference of")
    assert "the patient's right is on the left, the front on top" in said


@pytest.mark.parametrize("width", [400, 1400])
def test_case_is_never_wider_than_the_window(board, opened, width):
    """Slices stand below each other where there is no room beside."""
    page, _ = opened(case_of_a_volume(board.parent), width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def painted(page, colour):
    """Count the pixels of the viewer that have a colour, give or take the rounding of blending."""
    page.wait_for_timeout(400)
    picture = Image.open(io.BytesIO(page.locator("#viewer").screenshot())).convert("RGB")
    return int((np.abs(np.array(picture).astype(int) - colour).max(axis=-1) <= 12).sum())


def slide(page, label, value):
    """Set a slider."""
    page.get_by_label(label, exact=True).evaluate(
        "(one, value) => { one.value = value; one.dispatchEvent(new Event('input')); }", value
    )


def test_the_viewer_draws_the_mask_in_its_colour(board, opened):
    """From disk, in silence, the viewer draws: with its tick the mask's colour is there, without it is not."""
    if niivue.vendored() is None:
        pytest.skip(f"needs the 3D viewer: {niivue.HOW_TO_GET}")
    path = case_of_a_volume(board.parent)
    page, said = opened(path, 480, 400)
    page.wait_for_selector("#viewer[data-state=drawn]", timeout=60_000)
    page.get_by_role("checkbox", name="reference").uncheck()
    slide(page, "masks", "1")
    shown = painted(page, COLOUR)
    page.get_by_role("checkbox", name="region-growing").uncheck()
    hidden = painted(page, COLOUR)
    assert shown > 1000
    assert hidden < shown / 50
    picture = Image.open(io.BytesIO(page.locator("#viewer").screenshot())).convert("L")
    assert len(np.unique(np.array(picture))) > 20
    assert said.console == []
    files = {url for url in said.asked if not url.startswith(("data:", "blob:"))}
    assert files == {path.as_uri(), (board.parent / "assets" / niivue.SCRIPT).as_uri()}


def test_the_folder_can_be_moved(board, opened, tmp_path):
    """Copied elsewhere, board and cases still find each other."""
    shutil.copytree(board.parent, tmp_path / "elsewhere")
    page, _ = opened(tmp_path / "elsewhere" / "index.html", java_script_enabled=False)
    page.locator("#section-cases a").first.click()
    page.get_by_role("link", name="To the leaderboard").click()
    page.wait_for_url("**/elsewhere/index.html#section-cases")
    assert page.locator("#section-cases").is_visible()
