"""One case as an HTML page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench.finished import FinishedRun
from bench.page import FOLDER, niivue
from bench.page.cases import grey, planes, volumes
from bench.page.cases.reading import Case
from bench.page.cells import DASH, number
from bench.page.tidy import aggregator
from curate.webpage import assets

_SCORES = (
    ("dice", "Dice", 3),
    ("iou", "IoU", 3),
    ("nsd", "NSD", 3),
    ("hd95_mm", "HD95", 1),
    ("volume_error", "Volume error", 3),
)
_COLOURS = ("#56b4e9", "#e69f00", "#00d49b", "#ff7fbf", "#f0e442", "#ff7043")
"""Of outlines on grey pictures: Okabe and Ito's, lightened where they would be lost."""
_DASHES = ("", "7 3", "2 3")
_SIDES = {
    "R": "the patient's right",
    "L": "the patient's left",
    "A": "the front",
    "P": "the back",
    "S": "the head",
    "I": "the feet",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One model in legend and table."""

    number: int
    model: str
    colour: str
    dashes: str
    """Of the outline: models with one colour differ in their dashes."""
    is_shown: bool
    """Whether the outline is there from the start: of the models that the case was chosen for."""
    has_mask: bool
    places: str
    status: str
    scores: tuple[str, ...]


def render(case: Case, group: Sequence[FinishedRun], back: str, around: tuple[str | None, str | None]) -> str:
    """Lay a case out.

    Args:
        case: What to show.
        group: All runs of the board, for the table of scores.
        back: Page of the board, relative to this one.
        around: The pages before and behind this one; None at the ends.
    """
    chosen = case.chosen
    picture = grey.shown(case.image, chosen.modality, chosen.kind, chosen.target)
    rows = [_row(case, at, group) for at in range(len(case.answers))]
    drawn = planes.planes(case, picture)
    has_viewer = not case.image.geometry.is_2d and niivue.vendored() is not None
    data = volumes.volumes(case, picture) if has_viewer else None
    style = assets.text_of(assets.LOOK, FOLDER / "style.css", FOLDER / "cases/case.css") + _switches(len(rows))
    scripts = ["\n" + assets.text_of(FOLDER / "cases/viewer.js")] if data else []
    return (
        assets.environment(FOLDER)
        .get_template("cases/case.html.j2")
        .render(
            policy=_policy(style, scripts),
            style=style,
            scripts=scripts,
            case=case,
            title=f"{chosen.target}, {chosen.image_id}",
            facts=_facts(case, picture.window),
            planes=[(plane, _alternative(plane, case, rows)) for plane in drawn],
            stroke=max(max(plane.width, plane.height) for plane in drawn) / 100,
            rows=rows,
            columns=[title for _, title, _ in _SCORES],
            others=[_other(run, case) for run in group if run.model not in {row.model for row in rows}],
            data=assets.to_json(_data(data, rows, case)) if data else "",
            every=data.every if data else 1,
            viewer=f"../assets/{niivue.SCRIPT}",
            sides=_SIDES,
            how_to_get=niivue.HOW_TO_GET,
            back=back,
            around=around,
            aggregator=aggregator(),
        )
    )


def _row(case: Case, at: int, group: Sequence[FinishedRun]) -> Row:
    answer = case.answers[at]
    run = next(run for run in group if run.model == answer.model)
    status, scores = _scores(run, case)
    places = case.chosen.places.get(answer.model, ())
    return Row(
        number=at,
        model=answer.model,
        colour=_COLOURS[at % len(_COLOURS)],
        dashes=_DASHES[at // len(_COLOURS) % len(_DASHES)],
        is_shown=bool(places) or len(case.answers) <= len(_COLOURS),
        has_mask=answer.mask is not None,
        places=", ".join(places),
        status=f"{status}, cut at the edge of the picture" if answer.is_cut else status,
        scores=scores,
    )


def _other(run: FinishedRun, case: Case) -> tuple[str, str, tuple[str, ...]]:
    """Return model, status and scores of a run that kept no predictions."""
    return run.model, *_scores(run, case)


def _scores(run: FinishedRun, case: Case) -> tuple[str, tuple[str, ...]]:
    """Return status and scores at the step that is shown; `missing` where the run has no such row."""
    rows, chosen = run.scores, case.chosen
    found = rows[(rows["mask_id"] == chosen.mask_id) & (rows["step"] == chosen.step) & (rows["seed"] == chosen.seed)]
    if found.empty:
        return "missing", (DASH,) * len(_SCORES)
    row = found.iloc[0]
    values = tuple(
        number(float(row[name]), decimals, signed=name == "volume_error") if row[name] == row[name] else DASH
        for name, _, decimals in _SCORES
    )
    return str(row["status"]).replace("_", " "), values


def _facts(case: Case, window: str) -> list[tuple[str, str]]:
    chosen, grid = case.chosen, case.image.geometry
    size = " x ".join(str(n) for n in grid.shape_ijk)
    spacing = " x ".join(f"{length:g}" for length in grid.spacing) + f" {grid.unit}"
    picked = "; ".join(f"{', '.join(places)} of {model}" for model, places in sorted(chosen.places.items()))
    return [
        ("Chosen as", picked),
        ("Dataset", chosen.dataset),
        ("Mask", chosen.mask_id),
        ("Modality", chosen.modality),
        ("Kind", chosen.kind),
        ("Reference", f"{int(case.facts['voxels']):,} voxels"),
        ("Shown", f"{size} voxels of {spacing}{', the part around the target' if case.is_cropped else ''}; {window}"),
        ("After", f"step {chosen.step}" + (f", seed {chosen.seed}" if chosen.seed else "")),
    ]


def _alternative(plane: planes.Plane, case: Case, rows: Sequence[Row]) -> str:
    """Say what a drawing shows."""
    outlined = [row for row, layer in zip(rows, plane.layers, strict=True) if layer.path]
    models = ", ".join(f"{row.model} (Dice {row.scores[0]})" for row in outlined) or "no model"
    name = plane.title if plane.title == "slice" else f"{plane.title} slice"
    what = f"{name.capitalize()} through the middle of the reference"
    sides = f"; {_SIDES[plane.left]} is on the left, {_SIDES[plane.top]} on top" if plane.left else ""
    return f"{what} of {case.chosen.target}: outlines of the reference and of {models}{sides}."


def _switches(models: int) -> str:
    """Hide what is not ticked, without a script."""
    names = ("reference", "clicks", *map(str, range(models)))
    return "".join(f"main:has(#show-{name}:not(:checked)) .of-{name} {{ display: none; }}\n" for name in names)


def _policy(style: str, scripts: Sequence[str]) -> str:
    """Allow the viewer's file beside the page, and what it makes of its own data, to pages that have one."""
    plain = assets.policy(style, scripts)
    if not scripts:
        return plain
    return plain.replace("script-src ", "script-src 'self' file: ")


def _data(data: volumes.Volumes, rows: Sequence[Row], case: Case) -> dict[str, Any]:
    """Return what the viewer reads; its cross starts in the middle of the reference, as shares of the volume."""
    shape = case.image.geometry.shape_ijk
    return {
        "centre": [round((at + 0.5) / number_, 4) for at, number_ in zip(case.centre_ijk, shape, strict=True)],
        "image": data.image,
        "masks": [
            {"name": "reference", "colour": "#ffffff", "volume": data.reference},
            *(
                {"name": str(row.number), "colour": row.colour, "volume": volume}
                for row, volume in zip(rows, data.answers, strict=True)
                if volume
            ),
        ],
    }
