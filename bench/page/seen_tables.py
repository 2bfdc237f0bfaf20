"""Tables of seen and unseen: targets, modalities, datasets and images."""

from bench.board import Board, Entry
from bench.page.cells import MINUS, Cell, figure_cell, n_cell
from bench.page.tables import Table, name_cell, of_rows, rivals
from bench.schema import SEEN
from bench.statistics.figures import FAILED_IS_ZERO, GAP, LEVELS, OVER_MASKS

_SEEN_COLUMNS = ("Seen", "n", "Unseen", "n", "Unknown", "n", f"Seen {MINUS} unseen")


def targets(board: Board) -> Table:
    """Lay out Dice at the last step on targets that each model has and has not seen in training."""
    rows = [(name_cell(entry), *_seen_cells(board, entry, "seen_target", board.last_step)) for entry in rivals(board)]
    title = f"Seen and unseen targets, step {board.last_step}"
    return of_rows(title, _seen_caption("target"), ("Model", *_SEEN_COLUMNS), rows)


def targets_by_step(board: Board) -> Table:
    """Lay out the same at every step."""
    rows = [
        (name_cell(entry), Cell(str(step), order=step), *_seen_cells(board, entry, "seen_target", step))
        for entry in rivals(board)
        for step in board.steps
    ]
    return of_rows(
        "Seen and unseen targets, every step", _seen_caption("target"), ("Model", "Step", *_SEEN_COLUMNS), rows
    )


def levels(board: Board) -> Table:
    """Lay out Dice at the last step by whether modality, dataset and image were seen."""
    rows = [
        (name_cell(entry), Cell(level.removeprefix("seen_")), *_seen_cells(board, entry, level, board.last_step))
        for entry in rivals(board)
        for level in LEVELS[1:]
    ]
    title = f"Seen and unseen modalities, datasets and images, step {board.last_step}"
    caption = _seen_caption("modality, dataset or image")
    return of_rows(title, caption, ("Model", "What was seen", *_SEEN_COLUMNS), rows, words=2)


def _seen_cells(board: Board, entry: Entry, level: str, step: int) -> tuple[Cell, ...]:
    cells: list[Cell] = []
    for word in SEEN:
        figure = board.figure(entry.name, split=(level, word), step=step)
        cells += [figure_cell(figure, figure.n_masks if figure else 0), n_cell(figure)]
    gap = board.figure(entry.name, split=(level, GAP), step=step)
    return (*cells, figure_cell(gap, gap.n_masks if gap else 0, signed=True))


def _seen_caption(what: str) -> str:
    return f"Dice, {OVER_MASKS}, by whether the {what} was in the model's training; policy {FAILED_IS_ZERO}."
