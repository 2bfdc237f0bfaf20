"""The charts of a leaderboard as SVG, for light and dark pages.

Colours are those of Okabe and Ito, which stay apart for colour-blind readers (https://jfly.uni-koeln.de/color/);
markers tell models apart without colour. Ink is the page's own, through `currentColor`.
"""

import html
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_INK, _GRID = "#010203", "#040506"
_WIDTH_INCH = 9.0
_LABEL_GAP = 0.055
_LABEL_LETTERS = 22


@dataclass(frozen=True, slots=True)
class Point:
    """A mean with its 95 % interval; None where there is none."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Curve:
    """Dice of one model over steps."""

    name: str
    points: tuple[Point, ...]
    dashed: bool = False
    """For models that cover only part of the suite."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Dice of one model on targets that it has seen, has not seen, and of which nobody knows."""

    name: str
    seen: Point
    unseen: Point
    unknown: Point
    partial: bool = False
    """For models that cover only part of the suite."""


def step_curves(curves: Sequence[Curve], steps: Sequence[int], title: str, description: str) -> str:
    """Draw Dice over prompting steps, one line with a band per model, as an `<svg>` element."""
    height = max(4.2, 1.2 + 0.24 * len(curves))
    with _figure(height) as (figure, axes):
        axes.set_position((0.07, 0.62 / height, 0.63, 1 - 0.85 / height))
        axes.set(xlabel="prompting step", ylabel="Dice, mean over masks", ylim=(0, 1), xticks=list(steps))
        axes.margins(x=0.03)
        gap = 1.15 * _LABEL_GAP * 4.2 / height
        for style, (curve, label_at) in enumerate(zip(curves, _spread(curves, gap), strict=True)):
            _draw_curve(axes, curve, steps, style, label_at)
        return _svg(figure, "steps", title, description)


def seen_unseen(pairs: Sequence[Pair], title: str, description: str) -> str:
    """Draw Dice on seen against unseen targets, one row per model, as an `<svg>` element."""
    height = 1.25 + 0.42 * max(len(pairs), 1)
    looks = {"seen": (_COLOURS[0], "o", "full"), "unseen": (_COLOURS[1], "s", "full"), "unknown": (_INK, "D", "none")}
    with _figure(height) as (figure, axes):
        axes.set_position((0.25, 0.62 / height, 0.71, 1 - 1.05 / height))
        axes.set(xlabel="Dice, mean over masks", xlim=(0, 1), ylim=(len(pairs) - 0.5, -0.5))
        axes.set_yticks(range(len(pairs)), [_label(pair.name, partial=pair.partial) for pair in pairs])
        axes.grid(axis="y", visible=False)
        for row, pair in enumerate(pairs):
            if pair.seen.value is not None and pair.unseen.value is not None:
                axes.plot([pair.seen.value, pair.unseen.value], [row, row], color=_GRID, linewidth=4, zorder=1)
            for point, (colour, marker, fill) in zip(
                (pair.seen, pair.unseen, pair.unknown), looks.values(), strict=True
            ):
                _draw_point(axes, point, row, colour, marker, fill)
        for place, (name, (colour, marker, fill)) in enumerate(looks.items()):
            at, top = 0.02 + 0.2 * place, 1 + 0.2 / (height - 1.05)
            axes.plot(at, top, marker=marker, color=colour, fillstyle=fill, transform=axes.transAxes, clip_on=False)
            axes.text(at + 0.02, top, f"{name} targets", va="center", transform=axes.transAxes)
        return _svg(figure, "seen", title, description)


def _draw_curve(axes: "Axes", curve: Curve, steps: Sequence[int], style: int, label_at: float | None) -> None:
    colour, marker = _COLOURS[style % len(_COLOURS)], _MARKERS[style % len(_MARKERS)]
    line = "--" if curve.dashed else "-"
    known = [(step, point.value) for step, point in zip(steps, curve.points, strict=True) if point.value is not None]
    if not known or label_at is None:
        return
    axes.plot([step for step, _ in known], [value for _, value in known], line, color=colour, marker=marker, zorder=3)
    bands = [
        (step, point.low, point.high)
        for step, point in zip(steps, curve.points, strict=True)
        if point.low is not None and point.high is not None
    ]
    if bands:
        x, low, high = zip(*bands, strict=True)
        axes.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0, zorder=2)
    axes.plot(1.03, label_at, marker=marker, color=colour, transform=axes.get_yaxis_transform(), clip_on=False)
    name = _label(curve.name, partial=curve.dashed)
    axes.text(1.05, label_at, name, va="center", transform=axes.get_yaxis_transform())


def _spread(curves: Sequence[Curve], gap: float) -> list[float | None]:
    """Place a label at each curve's end, moved down as far as it must be to stay clear of the label above."""
    ends = [
        next((point.value for point in reversed(curve.points) if point.value is not None), None) for curve in curves
    ]
    places: list[float | None] = [None] * len(curves)
    ceiling = 1.0
    known = sorted((end, index) for index, end in enumerate(ends) if end is not None)
    for left, (end, index) in zip(range(len(known), 0, -1), reversed(known), strict=True):
        place = max(min(end, ceiling), (left - 1) * gap)
        places[index] = place
        ceiling = place - gap
    return places


def _label(name: str, *, partial: bool) -> str:
    """Shorten a name to the room that a chart has; the tables have all of it."""
    short = name if len(name) <= _LABEL_LETTERS else f"{name[: _LABEL_LETTERS - 1]}\N{HORIZONTAL ELLIPSIS}"
    return f"{short} (partial)" if partial else short


def _draw_point(axes: "Axes", point: Point, row: int, colour: str, marker: str, fill: str) -> None:
    if point.value is None:
        return
    if point.low is not None and point.high is not None:
        axes.plot([point.low, point.high], [row, row], color=colour, linewidth=1.4, zorder=2)
    axes.plot(point.value, row, marker=marker, color=colour, fillstyle=fill, linestyle="none", zorder=3)


@contextmanager
def _figure(height_inch: float) -> Iterator[tuple["Figure", "Axes"]]:
    """Yield an empty figure in the style of the page; `$` in a model's name stays a dollar sign."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    style: dict[Any, Any] = {
        "axes.edgecolor": _INK,
        "axes.labelcolor": _INK,
        "axes.grid": True,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.linewidth": 0.6,
        "font.size": 9.5,
        "grid.color": _GRID,
        "grid.linewidth": 0.6,
        "lines.linewidth": 1.6,
        "lines.markersize": 5.5,
        "svg.fonttype": "none",
        "text.color": _INK,
        "text.parse_math": False,
        "xtick.color": _INK,
        "ytick.color": _INK,
        "ytick.major.size": 0,
    }
    with mpl.rc_context(style):
        figure = Figure(figsize=(_WIDTH_INCH, height_inch))
        yield figure, figure.add_subplot()


def _svg(figure: "Figure", key: str, title: str, description: str) -> str:
    """Save without dates, under ids that two charts of one page cannot share, in the page's own colours."""
    import matplotlib as mpl

    stream = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": f"medseen {key}"}):
        figure.savefig(
            stream, format="svg", transparent=True, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type"))
        )
    text = stream.getvalue()
    box = re.search(r'viewBox="([^"]*)"', text)
    body = text[text.index(">", text.index("<svg")) + 1 :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"<[^>]*>", lambda tag: _themed(tag[0], key), body)
    body = "\n".join(line.rstrip() for line in body.splitlines())
    spaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    head = f'<svg {spaces} viewBox="{box[1] if box else ""}"'
    label = (
        f'<title id="{key}-title">{html.escape(title)}</title><desc id="{key}-desc">{html.escape(description)}</desc>'
    )
    return f'{head} role="img" aria-labelledby="{key}-title" aria-describedby="{key}-desc">{label}{body}'


def _themed(tag: str, key: str) -> str:
    """Prefix the ids of one tag and give it the page's colours; text between tags is left alone."""
    tag = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{key}-", tag)
    return tag.replace(_INK, "currentColor").replace(_GRID, "var(--grid)")
