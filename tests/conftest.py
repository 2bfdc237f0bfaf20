"""Fixtures that every test may use."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
CHROMIUM_FLAGS = [
    *("--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Return the folder with corpus and golden outputs beside the checkout; skip where it is missing."""
    if not SHARED.is_dir():
        pytest.skip(f"needs {SHARED.name}/ beside the checkout (corpus, golden outputs)")
    return SHARED


@pytest.fixture(scope="session")
def corpus_dir(shared_dir: Path) -> Path:
    """Return the corpus of real images with real masks."""
    return shared_dir / "corpus"


@pytest.fixture(scope="module")
def browser():
    """Start headless Chromium with WebGL 2 in software; skip where it or playwright is missing."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("needs chromium")
    playwright = pytest.importorskip("playwright.sync_api", reason="needs chromium and the package playwright")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        yield started
        started.close()


@pytest.fixture
def opened(browser):
    """Return a function that opens a file and collects what the console says and what is requested."""
    pages = []

    def visit(path, width=1400, height=1000, **context):
        page = browser.new_page(viewport={"width": width, "height": height}, **context)
        said = SimpleNamespace(console=[], asked=[])
        page.on("console", lambda message: said.console.append(message.text))
        page.on("pageerror", lambda error: said.console.append(str(error)))
        page.on("request", lambda request: said.asked.append(request.url))
        page.goto(path.as_uri())
        pages.append(page)
        return page, said

    yield visit
    for page in pages:
        page.close()


def pytest_runtest_setup(item) -> None:
    """Skip what needs a CUDA device where there is none."""
    if item.get_closest_marker("gpu") is not None:
        import torch

        if not torch.cuda.is_available():
            pytest.skip("needs a CUDA device")


def pytest_terminal_summary(terminalreporter) -> None:
    """Say how many tests did not run for lack of the shared folder."""
    skipped = terminalreporter.stats.get("skipped", [])
    lacking = [report for report in skipped if "beside the checkout" in str(report.longrepr)]
    if lacking:
        terminalreporter.write_sep("!", f"{len(lacking)} tests SKIPPED: shared folder missing", yellow=True)
