"""The look of every chart: ink and grid of the page, colours that stay apart, and SVG without dates.

Colours are those of Okabe and Ito, which stay apart for colour-blind readers (https://jfly.uni-koeln.de/color/);
markers tell models apart without colour. Ink is the page's own, through `currentColor`.
"""

import html
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
INK, GRID = "#010203", "#040506"
"""Stand-ins for the page's ink and grid, which `svg` puts in their place."""
WIDTH_INCH = 9.0

_LABEL_LETTERS = 22


def label(name: str, *, partial: bool = False) -> str:
    """Shorten a name to the room that a chart has; the tables have all of it."""
    short = name if len(name) <= _LABEL_LETTERS else f"{name[: _LABEL_LETTERS - 1]}\N{HORIZONTAL ELLIPSIS}"
    return f"{short} (partial)" if partial else short


@contextmanager
def figure(height_inch: float) -> Iterator[tuple["Figure", "Axes"]]:
    """Yield an empty figure in the style of the page; `$` in a model's name stays a dollar sign."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    style: dict[Any, Any] = {
        "axes.edgecolor": INK,
        "axes.labelcolor": INK,
        "axes.grid": True,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.linewidth": 0.6,
        "font.size": 9.5,
        "grid.color": GRID,
        "grid.linewidth": 0.6,
        "hatch.color": INK,
        "hatch.linewidth": 0.5,
        "lines.linewidth": 1.6,
        "lines.markersize": 5.5,
        "svg.fonttype": "none",
        "text.color": INK,
        "text.parse_math": False,
        "xtick.color": INK,
        "ytick.color": INK,
        "ytick.major.size": 0,
    }
    with mpl.rc_context(style):
        drawn = Figure(figsize=(WIDTH_INCH, height_inch))
        yield drawn, drawn.add_subplot()


def svg(drawn: "Figure", key: str, title: str, description: str) -> str:
    """Save as an `<svg>` element: no dates, no style sheet, ids that two charts of one page cannot share."""
    import matplotlib as mpl

    stream = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": f"medseen {key}"}):
        drawn.savefig(
            stream, format="svg", transparent=True, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type"))
        )
    text = stream.getvalue()
    box = re.search(r'viewBox="([^"]*)"', text)
    body = text[text.index(">", text.index("<svg")) + 1 :]
    body = re.sub(r"<metadata>.*?</metadata>|<style[^>]*>.*?</style>", "", body, flags=re.DOTALL)
    body = re.sub(r"<[^>]*>", lambda tag: _themed(tag[0], key), body)
    body = "\n".join(line.rstrip() for line in body.splitlines())
    spaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    head = f'<svg {spaces} viewBox="{box[1] if box else ""}"'
    words = (
        f'<title id="{key}-title">{html.escape(title)}</title><desc id="{key}-desc">{html.escape(description)}</desc>'
    )
    return f'{head} role="img" aria-labelledby="{key}-title" aria-describedby="{key}-desc">{words}{body}'


def _themed(tag: str, key: str) -> str:
    """Prefix the ids of one tag and give it the page's colours; text between tags is left alone."""
    tag = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{key}-", tag)
    return tag.replace(INK, "currentColor").replace(GRID, "var(--grid)")
