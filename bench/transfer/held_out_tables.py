"""The tables of what was held out: targets, targets in unseen modalities, and datasets."""

from collections.abc import Sequence

from bench.page.cells import DASH, Cell, count_cell, figure_cell, n_cell, share_cell
from bench.page.gap_tables import gap_cell
from bench.page.tables import Group, Table, of_rows
from bench.statistics.figures import FAILED_IS_ZERO, Figure
from bench.transfer.findings import Findings
from bench.transfer.held_out import MARGIN, VERDICTS, HeldOut

_TITLES = {
    "seen_target": "Held-out targets",
    "seen_modality": "Held-out modalities",
    "seen_dataset": "Held-out sources",
}
_NAMES = {"seen_target": ("Target",), "seen_modality": ("Modality", "Target"), "seen_dataset": ("Dataset",)}
_NEAREST = {
    "seen_target": ("Nearest seen target", "It is"),
    "seen_modality": (),
    "seen_dataset": (),
}
_ITS_DICE = {"seen_target": ("Dice of the nearest",), "seen_modality": ("Dice in seen modalities",), "seen_dataset": ()}
_NUMBERS = ("Dice", "n masks", "Gap, matched", "n seen, matched", "Masks with a match")


def held_out_table(one: Findings, level: str) -> Table:
    """Lay out what one run had not seen of one level, by what became of it."""
    nearest = _NEAREST[level]
    columns = (*_NAMES[level], *nearest, *_NUMBERS, *_ITS_DICE[level])
    items = one.held_out[level]
    groups = tuple(
        Group(
            f"{verdict.capitalize()}: {meaning}", tuple(_row(item, level) for item in items if item.verdict == verdict)
        )
        for verdict, meaning in VERDICTS.items()
    )
    caption = (
        f"{one.label}, step {one.series.last_step}, {FAILED_IS_ZERO}. The matched gap is that of all seen masks minus "
        f"these; {MARGIN:g} Dice may be lost."
    )
    words = len(_NAMES[level]) + len(nearest)
    return Table(f"{_TITLES[level]}: {one.label}", caption, columns, tuple(g for g in groups if g.rows), words)


def unknown_table(found: Sequence[Findings]) -> Table:
    """Lay out the targets of which nobody says whether they were seen."""
    rows = [
        (Cell(one.label), Cell(target), figure_cell(figure, figure.n_masks), n_cell(figure))
        for one in found
        for target, figure in one.unknown.items()
    ]
    caption = "On neither side of any gap: the training card does not tell whether they were trained on."
    return of_rows("Targets of unknown answer", caption, ("Run", "Target", "Dice", "n masks"), rows, words=2)


def _row(item: HeldOut, level: str) -> tuple[Cell, ...]:
    words = [Cell(name) for name in item.names]
    share = item.gap.matched_share
    numbers = [
        figure_cell(item.dice, item.dice.n_masks),
        n_cell(item.dice),
        gap_cell(item.gap),
        count_cell(item.gap.n_seen),
        Cell(DASH, why="no mask") if share is None else share_cell(share),
    ]
    if level == "seen_dataset":
        return (*words, *numbers)
    if level == "seen_modality":
        return (*words, *numbers, _nearest_dice(item.nearest_dice, "the target has no mask of a seen modality"))
    if item.nearest is None:
        none = Cell(DASH, why="no seen target is related to it")
        return (*words, none, none, *numbers, none)
    dice = _nearest_dice(item.nearest_dice, "it has no seen mask in this run")
    return (*words, Cell(item.nearest.target), Cell(item.nearest.relation), *numbers, dice)


def _nearest_dice(figure: Figure | None, why: str) -> Cell:
    return figure_cell(figure, -1) if figure else Cell(DASH, why=why)
