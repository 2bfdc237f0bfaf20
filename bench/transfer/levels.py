"""The tables of the four levels: how many masks have which answer, Dice over steps, and the gap."""

from collections.abc import Sequence

from bench.page.cells import DASH, Cell, count_cell, figure_cell, n_cell, share_cell
from bench.page.gap_tables import CAPTION, COLUMNS, gap_cells, what
from bench.page.tables import Table, of_rows
from bench.schema import SEEN
from bench.statistics.figures import FAILED_IS_ZERO, LEVELS, Figure
from bench.transfer.findings import Findings


def answers(found: Sequence[Findings]) -> Table:
    """Lay out how many masks of each run were seen, were not, or are not disclosed."""
    rows = []
    for one in found:
        for gap in one.last_gaps():
            n = gap.n_seen + gap.n_unseen + gap.n_unknown
            counts = (count_cell(count) for count in (gap.n_seen, gap.n_unseen, gap.n_unknown))
            share = share_cell(gap.n_unknown / n) if n else Cell(DASH, why="no mask counts")
            rows.append((Cell(one.label), Cell(what(gap.level)), *counts, share))
    caption = "Masks that count at the last step, by the answer of the run's training card; no card: all unknown."
    return of_rows("Answers", caption, ("Run", "Level", "Seen", "Unseen", "Unknown", "Unknown share"), rows, words=2)


def curves(found: Sequence[Findings], level: str, steps: Sequence[int]) -> Table:
    """Lay out Dice at every step on seen, unseen and unknown masks of one level."""
    rows = []
    for one in found:
        for answer in SEEN:
            at = dict(zip(one.series.steps, one.curves[level, answer], strict=True))
            last = at[one.series.last_step]
            if any(figure.n_masks for figure in at.values()):
                cells = [_at_step(at.get(step), last.n_masks) for step in steps]
                rows.append((Cell(one.label), Cell(answer), *cells, n_cell(last)))
    columns = ("Run", f"{what(level).capitalize()} was", *(f"Step {step}" for step in steps), "n masks")
    caption = f"Dice, mean over masks, {FAILED_IS_ZERO}; in brackets 95 % intervals."
    return of_rows(f"Dice over steps by {what(level)}", caption, columns, rows, words=2)


def last_gaps(found: Sequence[Findings]) -> Table:
    """Lay out the gap of every level at each run's last step."""
    rows = [(Cell(one.label), Cell(what(gap.level)), *gap_cells(gap)) for one in found for gap in one.last_gaps()]
    return of_rows("Gap, last step", CAPTION, ("Run", "Level", *COLUMNS), rows, words=2)


def gaps_by_step(found: Sequence[Findings]) -> Table:
    """Lay out the gap of every level at every step."""
    rows = [
        (Cell(one.label), Cell(what(gap.level)), Cell(str(gap.step), order=gap.step), *gap_cells(gap))
        for level in LEVELS
        for one in found
        for gap in one.gaps
        if gap.level == level
    ]
    return of_rows("Gap, every step", CAPTION, ("Run", "Level", "Step", *COLUMNS), rows, words=2)


def _at_step(figure: Figure | None, n_masks: int) -> Cell:
    return figure_cell(figure, n_masks) if figure else Cell(DASH, why="the run does not score this step")
