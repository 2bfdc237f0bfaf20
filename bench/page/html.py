"""The leaderboard as one self-contained HTML page: nothing is loaded from anywhere, and it works without JavaScript."""

from pathlib import Path

from bench import plots
from bench.figures import FAILED_IS_ZERO, Figure
from bench.leaderboard import Board
from bench.page import words
from bench.page.sections import sections
from bench.page.tidy import aggregator
from bench.schema import SEEN

_HERE = Path(__file__).parent
_TEMPLATE = "template.html.j2"


def render(board: Board) -> str:
    """Lay the page out; every name is escaped, so markup in it stays text."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(_TEMPLATE).render(
        title=words.title(board),
        question=words.question(board),
        answer=words.answer(board),
        caveats=words.caveats(board),
        sections=sections(board),
        charts=charts(board),
        aggregator=aggregator(),
    )


def charts(board: Board) -> dict[str, str]:
    """Draw the charts of the page: name -> `<svg>` element."""
    table = "The table below has the same numbers."
    return {
        "steps": plots.step_curves(
            _curves(board),
            board.steps,
            "Dice over prompting steps",
            f"One line per model: Dice, mean over masks, {FAILED_IS_ZERO}; the bands are 95 % intervals. {table}",
        ),
        "seen": plots.seen_unseen(
            _pairs(board),
            f"Dice on seen and unseen targets at step {board.last_step}",
            f"One row per model: Dice, mean over masks, {FAILED_IS_ZERO}, on seen, unseen and unknown targets; "
            f"the bars are 95 % intervals. {table}",
        ),
    }


def _curves(board: Board) -> list[plots.Curve]:
    return [
        plots.Curve(
            entry.name,
            tuple(_point(board.figure(entry.name, step=step)) for step in board.steps),
            dashed=not entry.coverage.complete,
        )
        for entry in board.entries
        if not entry.is_reference
    ]


def _pairs(board: Board) -> list[plots.Pair]:
    rivals = [entry for entry in board.entries if not entry.is_reference]
    pairs = []
    for entry in rivals:
        points = [_point(board.figure(entry.name, split=("seen_target", word))) for word in SEEN]
        pairs.append(plots.Pair(entry.name, points[0], points[1], points[2], partial=not entry.coverage.complete))
    return pairs


def _point(figure: Figure | None) -> plots.Point:
    return plots.Point(figure.value, figure.low, figure.high) if figure else plots.Point(None)
