"""A matplotlib figure as an `<svg>` element in the page's own ink and grid, with a title and a description.

Ink is the page's through `currentColor`; the colours are those of Okabe and Ito, which stay apart for colour-blind
readers (https://jfly.uni-koeln.de/color/).
"""

import html
import io
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
INK, GRID = "#010203", "#040506"
"""Stand-ins for the page's ink and grid, which `element` puts in their place."""
WIDTH_INCH = 9.0

_STYLE: Mapping[str, Any] = {
    **dict.fromkeys(("axes.edgecolor", "axes.labelcolor", "text.color", "xtick.color", "ytick.color"), INK),
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.size": 9.5,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "svg.fonttype": "none",
    "text.parse_math": False,
    "ytick.major.size": 0,
}
"""Settings of matplotlib; without formulas, `$` in a name stays a dollar sign."""


@contextmanager
def figure(height_inch: float, style: Mapping[str, Any]) -> Iterator["Figure"]:
    """Yield an empty figure in the style of all pages.

    Args:
        height_inch: Its width is `WIDTH_INCH`.
        style: Settings of matplotlib that come on top, as long as the figure is drawn.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    settings: dict[Any, Any] = {**_STYLE, **style}
    with mpl.rc_context(settings):
        yield Figure(figsize=(WIDTH_INCH, height_inch))


def element(drawn: "Figure", key: str, title: str, description: str) -> str:
    """Return the figure as text: no dates, no style sheet, ids that two charts of one page cannot share.

    Args:
        drawn: What to save.
        key: Prefix of the ids inside, unique on a page.
        title: Read out in place of the chart.
        description: What the chart shows, in a sentence.
    """
    text = _saved(drawn, key)
    box = re.search(r'viewBox="([^"]*)"', text)
    body = text[text.index(">", text.index("<svg")) + 1 :]
    body = re.sub(r"<metadata>.*?</metadata>|<style[^>]*>.*?</style>", "", body, flags=re.DOTALL)
    body = re.sub(r"<[^>]*>", lambda tag: _themed(tag[0], key), body)
    body = "\n".join(line.rstrip() for line in body.splitlines())
    spaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    described = f'role="img" aria-labelledby="{key}-title" aria-describedby="{key}-desc"'
    words = (
        f'<title id="{key}-title">{html.escape(title)}</title><desc id="{key}-desc">{html.escape(description)}</desc>'
    )
    return f'<svg {spaces} viewBox="{box[1] if box else ""}" {described}>{words}{body}'


def shortened(name: str, letters: int) -> str:
    """Shorten a name to the room that a chart has; the tables have all of it."""
    return name if len(name) <= letters else f"{name[: letters - 1]}\N{HORIZONTAL ELLIPSIS}"


def _saved(drawn: "Figure", key: str) -> str:
    import matplotlib as mpl

    stream = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with mpl.rc_context({"svg.hashsalt": f"medseen {key}"}):
        drawn.savefig(stream, format="svg", transparent=True, metadata=nothing)
    return stream.getvalue()


def _themed(tag: str, key: str) -> str:
    """Prefix the ids of one tag and give it the page's colours; text between tags is left alone."""
    tag = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{key}-", tag)
    return tag.replace(INK, "currentColor").replace(GRID, "var(--grid)")
