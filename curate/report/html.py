"""The report as one HTML page beside its pictures: it loads nothing else, and it works without scripts."""

from collections.abc import Sequence
from pathlib import Path

from curate.report import cells
from curate.report.contact import OTHER, Sheet
from curate.report.facts import Facts
from curate.report.sections import Section
from curate.report.tile import Tile
from curate.webpage.assets import LOOK, PRINT, SORT, environment, policy, text_of

_HERE = Path(__file__).parent
_TEMPLATE = "template.html.j2"


def render(facts: Facts, parts: Sequence[Section], sheets: Sequence[Sheet], version: str) -> str:
    """Lay the page out; every name is escaped, so markup in it stays text."""
    style, script = text_of(LOOK, _HERE / "style.css"), text_of(SORT, PRINT)
    allowed = policy(style, [script]).replace("img-src ", "img-src 'self' file: ")
    return (
        environment(_HERE)
        .get_template(_TEMPLATE)
        .render(
            policy=allowed,
            style=style,
            script=script,
            facts=facts,
            sections=parts,
            sheets=sheets,
            version=version,
            rows=cells.rows,
            cut_note=cells.cut_note,
            alternative=alternative,
            caption=caption,
            short=short,
            other=OTHER,
        )
    )


def alternative(tile: Tile) -> str:
    """Say in words what a picture shows."""
    drawn = ", ".join(tile.targets)
    return f"{tile.image_id}, {tile.modality}, {tile.place}; {f'outlines of {drawn}' if drawn else 'no mask on it'}"


def short(tile: Tile) -> str:
    """Return the id of a tile's image without its dataset, under whose name it stands."""
    return tile.image_id.removeprefix(f"{tile.dataset}/")


def caption(tile: Tile) -> str:
    """Say what stands below a picture: modality, slice, spacing."""
    modality = " ".join(filter(None, (tile.modality, tile.sequence)))
    spacing = "no spacing"
    if tile.spacing_mm is not None:
        spacing = " \N{MULTIPLICATION SIGN} ".join(cells.number(value) for value in tile.spacing_mm) + " mm"
    return ", ".join(filter(None, (modality, tile.place, spacing)))
