"""The tables that answer first: the headline, Dice by step, what a quality costs in steps, and Dice by group."""

from collections.abc import Mapping

from bench.board import Board, Entry
from bench.metrics.clicks import THRESHOLDS
from bench.page.cells import DASH, Cell, figure_cell, n_cell, share_cell
from bench.page.tables import Group, Table, name_cell, of_rows, remarks, tolerances
from bench.statistics.figures import (
    AGGREGATIONS,
    FAILED_IS_ZERO,
    OK_ONLY,
    OVER_DATASETS,
    OVER_MASKS,
    OVER_TARGETS,
    percent,
)

_POLICIES = (FAILED_IS_ZERO, OK_ONLY)


def headline(board: Board) -> Table:
    """Lay out the figures of all masks at the last step: ranked, partly covering and reference models apart."""
    tied = _tie_groups(board)
    columns = ("Model", "Rank, masks", "Tie group", "Rank, targets", "Rank, datasets")
    columns_dice = (*(f"Dice, {name}" for name in (OVER_MASKS, OVER_TARGETS, OVER_DATASETS)), "Dice, ok only")
    columns_ok = ("IoU", f"NSD ({tolerances(board)})", "HD95, mm", "ASSD, mm")
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
    groups = tuple(
        Group(title, tuple(_headline_row(board, entry, tied) for entry in some)) for title, some in parts if some
    )
    caption = (
        f"Step {board.last_step}; Dice, IoU and NSD by policy {FAILED_IS_ZERO}, the rest of answered masks only. "
        "Models of one tie group are not separated from its best by any test."
    )
    return Table("Models", caption, (*columns, *columns_dice, *columns_ok, *columns_volume), groups)


def by_step(board: Board, aggregation: str) -> Table:
    """Lay out Dice at every step."""
    columns = ("Model", *(f"Step {step}" for step in board.steps), "n masks")
    caption = f"Dice of all masks after each prompting step, {aggregation}; policy {FAILED_IS_ZERO}."
    rows = []
    for entry in board.entries:
        found = [board.figure(entry.name, step=step, aggregation=aggregation) for step in board.steps]
        n = found[-1].n_masks if found[-1] else 0
        rows.append((name_cell(entry), *(figure_cell(figure, n) for figure in found), n_cell(found[-1])))
    return of_rows(f"Dice by step, {aggregation}", caption, columns, rows)


def over_steps(board: Board) -> Table:
    """Lay out the area under the curve of Dice, and the steps to a Dice."""
    rows = []
    for entry in board.entries:
        areas = [
            board.figure(entry.name, "dice_area_over_steps", policy=policy) for policy in (FAILED_IS_ZERO, OK_ONLY)
        ]
        n = areas[0].n_masks if areas[0] else 0
        cells = [figure_cell(area, n) for area in areas]
        for threshold in map(percent, THRESHOLDS):
            cells.append(figure_cell(board.figure(entry.name, f"steps_to_dice_{threshold}"), n, 2))
            never = board.figure(entry.name, f"never_reaches_dice_{threshold}")
            cells.append(share_cell(never.value) if never and never.value is not None else Cell(DASH, why="no curve"))
        actions = board.figure(entry.name, "user_actions", policy=OK_ONLY)
        rows.append((name_cell(entry), *cells, figure_cell(actions, n, 1), n_cell(areas[0])))
    reached = (name for one in map(percent, THRESHOLDS) for name in (f"Steps to {one} %", f"Never {one} %"))
    areas_named = (f"Area, {FAILED_IS_ZERO}", f"Area, {OK_ONLY}")
    grid = ", ".join(map(str, board.steps))
    caption = (
        f"Curves of Dice over the steps {grid}, {OVER_MASKS}. Area: 0 to 1. Steps to a Dice count the last step for "
        "masks that never reach it, so they are lower bounds where the share beside them is not 0 %."
    )
    return of_rows("Over steps", caption, ("Model", *areas_named, *reached, "User actions", "n masks"), rows)


def between_seeds(board: Board) -> Table:
    """Lay out how far Dice differs between the seeds of a mask; no rows where each mask has one."""
    rows = []
    for entry in board.entries:
        found = board.figure(entry.name, "dice_sd_between_seeds")
        if found is not None and found.value is not None:
            rows.append((name_cell(entry), figure_cell(found, found.n_masks), n_cell(found)))
    caption = (
        f"Step {board.last_step}: standard deviation of Dice between the seeds of one mask, {OVER_MASKS}; policy "
        f"{FAILED_IS_ZERO}. Everywhere else a mask counts once, with the mean of its seeds."
    )
    return of_rows("Between seeds", caption, ("Model", "Standard deviation of Dice", "n masks"), rows)


def grouped(board: Board, split_by: str, title: str) -> Table:
    """Lay out Dice at the last step by dataset, modality or another group; models stand in columns."""
    groups = sorted({key.split for key in board.figures if key.split_by == split_by})
    rows = []
    for group in groups:
        found = [board.figure(entry.name, split=(split_by, group)) for entry in board.entries]
        most = max((figure for figure in found if figure), key=lambda figure: (figure.n_masks, figure.n_patients))
        rows.append((Cell(group), n_cell(most), *(figure_cell(figure, most.n_masks) for figure in found)))
    names = (" ".join((entry.name, *(f"({remark})" for remark in remarks(entry)))) for entry in board.entries)
    caption = f"Dice at step {board.last_step}, {OVER_MASKS}; policy {FAILED_IS_ZERO}."
    return of_rows(title, caption, (title.removeprefix("By ").capitalize(), "n masks", *names), rows)


def _headline_row(board: Board, entry: Entry, tied: Mapping[str, int]) -> tuple[Cell, ...]:
    lead = board.figure(entry.name)
    n = lead.n_masks if lead else 0

    def cell(metric: str, policy: str, decimals: int = 3, *, signed: bool = False) -> Cell:
        return figure_cell(board.figure(entry.name, metric, policy=policy), n, decimals, signed=signed)

    return (
        name_cell(entry),
        _rank(entry, OVER_MASKS),
        Cell(str(tied[entry.name]), order=tied[entry.name]) if entry.name in tied else _rank(entry, OVER_MASKS),
        _rank(entry, OVER_TARGETS),
        _rank(entry, OVER_DATASETS),
        *(figure_cell(board.figure(entry.name, aggregation=name), n) for name in AGGREGATIONS),
        cell("dice", OK_ONLY),
        cell("iou", FAILED_IS_ZERO),
        cell("nsd", FAILED_IS_ZERO),
        cell("hd95_mm", OK_ONLY, 1),
        cell("assd_mm", OK_ONLY, 2),
        cell("volume_error_median", OK_ONLY, signed=True),
        cell("volume_error_mean_absolute", OK_ONLY),
        share_cell(entry.coverage.counts[board.last_step]["ok"] / entry.coverage.expected),
        n_cell(lead),
    )


def _rank(entry: Entry, aggregation: str) -> Cell:
    rank = entry.ranks.get(aggregation)
    if rank is None:
        return Cell(DASH, why="checks the suite" if entry.is_reference else "covers only part of the suite")
    if rank.low is None or rank.high is None:
        return Cell(str(rank.place), order=rank.place)
    return Cell(str(rank.place), (f"[{rank.low}, {rank.high}]",), order=rank.place)


def _tie_groups(board: Board) -> dict[str, int]:
    return {name: number for number, group in enumerate(board.tie_groups, start=1) for name in group}
