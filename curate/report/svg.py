"""A matplotlib figure as an `<svg>` element in the page's own colours, with a title and a description.

Ink is the page's through `currentColor`; the two colours are Okabe and Ito's, which stay apart for colour-blind readers
(https://jfly.uni-koeln.de/color/).
"""

import html
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLUE, ORANGE = "#0072B2", "#D55E00"
INK, GRID = "#010203", "#040506"
"""Stand-ins, which become the page's colours."""
WIDTH_INCH = 9.0


@contextmanager
def figure(height_inch: float) -> Iterator["Figure"]:
    """Yield an empty figure in the style of the page; `$` in a name stays a dollar sign."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    style: dict[Any, Any] = {
        **{f"axes.spines.{side}": False for side in ("left", "right", "top")},
        **dict.fromkeys(("axes.edgecolor", "axes.labelcolor", "text.color", "xtick.color", "ytick.color"), INK),
        "axes.linewidth": 0.6,
        "font.size": 9.5,
        "grid.color": GRID,
        "grid.linewidth": 0.6,
        "svg.fonttype": "none",
        "text.parse_math": False,
        "ytick.major.size": 0,
    }
    with mpl.rc_context(style):
        yield Figure(figsize=(WIDTH_INCH, height_inch))


def element(drawn: "Figure", key: str, title: str, description: str) -> str:
    """Return the figure as text: no dates, and ids that no other chart of the page has."""
    import matplotlib as mpl

    stream = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with mpl.rc_context({"svg.hashsalt": f"medseen {key}"}):
        drawn.savefig(stream, format="svg", transparent=True, metadata=nothing)
    text = stream.getvalue()
    box = re.search(r'viewBox="([^"]*)"', text)
    body = text[text.index(">", text.index("<svg")) + 1 :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"<[^>]*>", lambda tag: _themed(tag[0], key), body)
    spaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    described = f'role="img" aria-labelledby="{key}-title" aria-describedby="{key}-desc"'
    words = (
        f'<title id="{key}-title">{html.escape(title)}</title><desc id="{key}-desc">{html.escape(description)}</desc>'
    )
    lines = "\n".join(line.rstrip() for line in body.splitlines())
    return f'<svg {spaces} viewBox="{box[1] if box else ""}" {described}>{words}{lines}'


def _themed(tag: str, key: str) -> str:
    """Prefix the ids of one tag and give it the page's colours; text between tags is left alone."""
    tag = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{key}-", tag)
    return tag.replace(INK, "currentColor").replace(GRID, "var(--grid)")
