"""The tables of a leaderboard, before anyone decides between Markdown and HTML."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.coverage import OUTCOMES
from bench.figures import FAILED_IS_ZERO, GAP, LEVELS, OK_ONLY, OVER_DATASETS, OVER_MASKS
from bench.leaderboard import Board, Entry
from bench.page.cells import DASH, MINUS, Cell, count_cell, figure_cell, n_cell, share_cell
from bench.schema import SEEN

Rows = tuple[tuple[Cell, ...], ...]
_SEEN_COLUMNS = ("Seen", "n", "Unseen", "n", "Unknown", "n", f"Seen {MINUS} unseen")


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that stand apart from the other rows of their table, under a title of their own."""

    title: str
    rows: Rows


@dataclass(frozen=True, slots=True)
class Table:
    """One table; the first `words` columns are text, the others numbers."""

    title: str
    caption: str
    columns: tuple[str, ...]
    groups: tuple[Group, ...]
    words: int = 1


def of_rows(
    title: str, caption: str, columns: tuple[str, ...], rows: Iterable[Sequence[Cell]], words: int = 1
) -> Table:
    """Make a table of one group, or of none when there are no rows."""
    found = tuple(tuple(row) for row in rows)
    return Table(title, caption, columns, (Group("", found),) if found else (), words)


def headline(board: Board) -> Table:
    """Lay out the figures of all masks at the last step: ranked, partly covering and reference models apart."""
    columns = ("Model", "Rank, masks", "Rank, datasets", "Dice, mean over masks", "Dice, mean over datasets")
    columns_ok = ("Dice, ok only", "IoU", f"NSD ({tolerances(board)})", "HD95, mm")
    columns_volume = ("Volume error, median", "Volume error, mean absolute", "Coverage", "n masks")
    parts = (
        ("", [entry for entry in board.entries if entry.ranks]),
        (
            "Partial coverage: not ranked, because these figures are of other masks",
            [entry for entry in board.entries if not entry.ranks and not entry.is_reference],
        ),
        (
            "Checks of the suite: shown the reference, so never ranked",
            [entry for entry in board.entries if entry.is_reference],
        ),
    )
    groups = tuple(Group(title, tuple(_headline_row(board, entry) for entry in some)) for title, some in parts if some)
    caption = f"Step {board.last_step}; Dice, IoU and NSD by policy {FAILED_IS_ZERO}, the rest of answered masks only."
    return Table("Models", caption, (*columns, *columns_ok, *columns_volume), groups)


def by_step(board: Board, aggregation: str) -> Table:
    """Lay out Dice at every step."""
    columns = ("Model", *(f"Step {step}" for step in board.steps), "n masks")
    caption = f"Dice of all masks after each prompting step, {aggregation}; policy {FAILED_IS_ZERO}."
    rows = []
    for entry in board.entries:
        found = [board.figure(entry.name, step=step, aggregation=aggregation) for step in board.steps]
        n = found[-1].n_masks if found[-1] else 0
        rows.append((_name(entry), *(figure_cell(figure, n) for figure in found), n_cell(found[-1])))
    return of_rows(f"Dice by step, {aggregation}", caption, columns, rows)


def seen_targets(board: Board) -> Table:
    """Lay out Dice at the last step on targets that each model has and has not seen in training."""
    rows = [(_name(entry), *_seen_cells(board, entry, "seen_target", board.last_step)) for entry in _rivals(board)]
    title = f"Seen and unseen targets, step {board.last_step}"
    return of_rows(title, _seen_caption("target"), ("Model", *_SEEN_COLUMNS), rows)


def seen_targets_by_step(board: Board) -> Table:
    """Lay out the same at every step."""
    rows = [
        (_name(entry), Cell(str(step), order=step), *_seen_cells(board, entry, "seen_target", step))
        for entry in _rivals(board)
        for step in board.steps
    ]
    return of_rows(
        "Seen and unseen targets, every step", _seen_caption("target"), ("Model", "Step", *_SEEN_COLUMNS), rows
    )


def seen_levels(board: Board) -> Table:
    """Lay out Dice at the last step by whether modality, dataset and image were seen."""
    rows = [
        (_name(entry), Cell(level.removeprefix("seen_")), *_seen_cells(board, entry, level, board.last_step))
        for entry in _rivals(board)
        for level in LEVELS[1:]
    ]
    title = f"Seen and unseen modalities, datasets and images, step {board.last_step}"
    caption = _seen_caption("modality, dataset or image")
    return of_rows(title, caption, ("Model", "What was seen", *_SEEN_COLUMNS), rows, words=2)


def grouped(board: Board, split_by: str, title: str) -> Table:
    """Lay out Dice at the last step by dataset, modality or another group; models stand in columns."""
    groups = sorted({key.split for key in board.figures if key.split_by == split_by})
    rows = []
    for group in groups:
        found = [board.figure(entry.name, split=(split_by, group)) for entry in board.entries]
        most = max((figure for figure in found if figure), key=lambda figure: (figure.n_masks, figure.n_patients))
        rows.append((Cell(group), n_cell(most), *(figure_cell(figure, most.n_masks) for figure in found)))
    names = (" ".join((entry.name, *(f"({remark})" for remark in _remarks(entry)))) for entry in board.entries)
    caption = f"Dice at step {board.last_step}, {OVER_MASKS}; policy {FAILED_IS_ZERO}."
    return of_rows(title, caption, (title.removeprefix("By ").capitalize(), "n masks", *names), rows)


def coverage(board: Board) -> Table:
    """Lay out what became of every mask at the last step."""
    rows = []
    for entry in board.entries:
        counts = entry.coverage.counts[board.last_step]
        share = counts["ok"] / entry.coverage.expected
        cells = [count_cell(counts[outcome]) for outcome in OUTCOMES]
        rows.append((_name(entry), count_cell(entry.coverage.expected), share_cell(share), *cells))
    columns = ("Model", "Masks of the suite", "Coverage", *(outcome.replace("_", " ") for outcome in OUTCOMES))
    caption = f"Masks by outcome at step {board.last_step}. Coverage is ok / masks of the suite."
    return of_rows("Coverage", caption, columns, rows)


def losses(board: Board) -> Table:
    """Lay out where masks were not ok at the last step."""
    rows = [
        (_name(entry), Cell(dataset), Cell(outcome.replace("_", " ")), count_cell(number))
        for entry in board.entries
        for dataset, outcome, number in entry.coverage.lost
    ]
    caption = f"Masks without an answer at step {board.last_step}; the column detail of scores.parquet says more."
    return of_rows("Where answers are lacking", caption, ("Model", "Dataset", "Outcome", "Masks"), rows, words=3)


def tolerances(board: Board) -> str:
    """Name the tolerances of NSD, such as `2 mm` or `1 pixel, 2 mm`."""
    units = sorted({unit for unit, _ in board.tolerances})
    spans = []
    for unit in units:
        values = [value for other, value in board.tolerances if other == unit]
        span = f"{min(values):g}" if min(values) == max(values) else f"{min(values):g}{DASH}{max(values):g}"
        spans.append(f"{span} {unit}")
    return ", ".join(spans) or "tolerance unknown"


def _headline_row(board: Board, entry: Entry) -> tuple[Cell, ...]:
    lead = board.figure(entry.name)
    n = lead.n_masks if lead else 0

    def cell(metric: str, policy: str, decimals: int = 3, *, signed: bool = False) -> Cell:
        return figure_cell(board.figure(entry.name, metric, policy=policy), n, decimals, signed=signed)

    return (
        _name(entry),
        _rank(entry, OVER_MASKS),
        _rank(entry, OVER_DATASETS),
        cell("dice", FAILED_IS_ZERO),
        figure_cell(board.figure(entry.name, aggregation=OVER_DATASETS), n),
        cell("dice", OK_ONLY),
        cell("iou", FAILED_IS_ZERO),
        cell("nsd", FAILED_IS_ZERO),
        cell("hd95_mm", OK_ONLY, 1),
        cell("volume_error_median", OK_ONLY, signed=True),
        cell("volume_error_mean_absolute", OK_ONLY),
        share_cell(entry.coverage.counts[board.last_step]["ok"] / entry.coverage.expected),
        n_cell(lead),
    )


def _seen_cells(board: Board, entry: Entry, level: str, step: int) -> tuple[Cell, ...]:
    cells: list[Cell] = []
    for word in SEEN:
        figure = board.figure(entry.name, split=(level, word), step=step)
        cells += [figure_cell(figure, figure.n_masks if figure else 0), n_cell(figure)]
    gap = board.figure(entry.name, split=(level, GAP), step=step)
    return (*cells, figure_cell(gap, gap.n_masks if gap else 0, signed=True))


def _rank(entry: Entry, aggregation: str) -> Cell:
    rank = entry.ranks.get(aggregation)
    if rank is None:
        return Cell(DASH, why="checks the suite" if entry.is_reference else "covers only part of the suite")
    if rank.low is None or rank.high is None:
        return Cell(str(rank.place), order=rank.place)
    return Cell(str(rank.place), (f"[{rank.low}, {rank.high}]",), order=rank.place)


def _rivals(board: Board) -> list[Entry]:
    return [entry for entry in board.entries if not entry.is_reference]


def _seen_caption(what: str) -> str:
    return f"Dice, {OVER_MASKS}, by whether the {what} was in the model's training; policy {FAILED_IS_ZERO}."


def _name(entry: Entry) -> Cell:
    return Cell(entry.name, _remarks(entry))


def _remarks(entry: Entry) -> tuple[str, ...]:
    """Say what sets a model apart wherever its name stands."""
    reference = ("reference",) if entry.is_reference else ()
    return reference if entry.coverage.complete else (*reference, "partial coverage")
