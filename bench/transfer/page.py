"""The study as one self-contained HTML page, in the look of the leaderboard: nothing is loaded from anywhere."""

from collections.abc import Sequence
from pathlib import Path

from bench.page import FOLDER
from bench.page.tidy import aggregator
from bench.transfer import words
from bench.transfer.findings import Findings
from bench.transfer.reading import Study
from bench.transfer.sections import Section
from curate.webpage import assets

_TEMPLATE = Path(__file__).with_name("study.html.j2")


def render(study: Study, found: Sequence[Findings], sections: Sequence[Section]) -> str:
    """Lay the page out; every name is escaped, so markup in it stays text."""
    style, script = assets.text_of(assets.LOOK, FOLDER / "style.css"), assets.text_of(assets.SORT, assets.PRINT)
    template = assets.environment(FOLDER).from_string(_TEMPLATE.read_text(encoding="utf-8"))
    return template.render(
        title=words.title(study),
        question=words.question(study),
        answers=words.answers(found),
        sections=sections,
        style=style,
        script=script,
        policy=assets.policy(style, [script]),
        aggregator=aggregator(),
    )
