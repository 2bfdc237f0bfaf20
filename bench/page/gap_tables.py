"""Tables of the generalisation gap: what was seen minus what was not, raw and matched."""

from bench.board import Board
from bench.gap import Gap, LevelGap
from bench.page.cells import DASH, Cell, count_cell, number, share_cell
from bench.page.tables import Table, name_cell, of_rows, rivals
from bench.statistics.figures import FAILED_IS_ZERO

COLUMNS = (
    *("Gap, raw", "n seen", "n unseen", "Gap, matched", "n seen, matched", "n unseen, matched"),
    *("Unseen with a match", "Strata", "n unknown"),
)
CAPTION = (
    f"Dice on seen minus Dice on unseen masks, {FAILED_IS_ZERO}; positive: better on what was seen. Matched: within "
    "strata of modality and size of the reference (level modality: size alone), weighted by unseen masks."
)


def what(level: str) -> str:
    """Return the word for a level: target, modality, dataset or image."""
    return level.removeprefix("seen_")


def gaps(board: Board) -> Table:
    """Lay out the gaps of every level at the last step."""
    rows = [
        (name_cell(entry), Cell(what(gap.level)), *gap_cells(gap))
        for entry in rivals(board)
        for gap in board.gaps.get(entry.name, ())
    ]
    title = f"Generalisation gap, step {board.last_step}"
    return of_rows(title, CAPTION, ("Model", "What was seen", *COLUMNS), rows, words=2)


def gap_cell(gap: Gap) -> Cell:
    """Print a gap with its interval, or why it has none."""
    if gap.value is None:
        return Cell(DASH, why=gap.why_no_value or "")
    if gap.low is None or gap.high is None:
        notes = (gap.why_no_interval or "",)
    else:
        notes = (f"[{number(gap.low, signed=True)}, {number(gap.high, signed=True)}]",)
    return Cell(number(gap.value, signed=True), notes, order=gap.value)


def gap_cells(gap: LevelGap) -> tuple[Cell, ...]:
    """Print one level, a cell for each of `COLUMNS`."""
    share = gap.matched.matched_share
    return (
        gap_cell(gap.raw),
        *(count_cell(count) for count in (gap.n_seen, gap.n_unseen)),
        gap_cell(gap.matched),
        *(count_cell(count) for count in (gap.matched.n_seen, gap.matched.n_unseen)),
        Cell(DASH, why="no unseen mask") if share is None else share_cell(share),
        count_cell(gap.matched.n_strata),
        count_cell(gap.n_unknown),
    )
