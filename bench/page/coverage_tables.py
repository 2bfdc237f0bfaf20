"""Tables of what became of every mask, and of what answers cost."""

from bench.board import Board
from bench.page.cells import Cell, count_cell, figure_cell, n_cell, share_cell
from bench.page.tables import Table, name_cell, of_rows
from bench.statistics.coverage import OUTCOMES
from bench.statistics.figures import ASKED, FAILED_IS_ZERO, OK_ONLY

_TIMED = ("encode", "prompt", "predict")


def coverage(board: Board) -> Table:
    """Lay out what became of every mask at the last step."""
    rows = []
    for entry in board.entries:
        counts = entry.coverage.counts[board.last_step]
        share = counts["ok"] / entry.coverage.expected
        cells = [count_cell(counts[outcome]) for outcome in OUTCOMES]
        rows.append((name_cell(entry), count_cell(entry.coverage.expected), share_cell(share), *cells))
    columns = ("Model", "Masks of the suite", "Coverage", *(outcome.replace("_", " ") for outcome in OUTCOMES))
    caption = f"Masks by outcome at step {board.last_step}. Coverage is ok / masks of the suite."
    return of_rows("Coverage", caption, columns, rows)


def failures(board: Board) -> Table:
    """Lay out the failure rate at the last step, and Dice under both policies."""
    rows = []
    for entry in board.entries:
        rate = board.figure(entry.name, "failure_rate", policy=ASKED)
        zero, answered = (board.figure(entry.name, policy=policy) for policy in (FAILED_IS_ZERO, OK_ONLY))
        n = rate.n_masks if rate else 0
        cells = [figure_cell(figure, n) for figure in (rate, zero, answered)]
        rows.append((name_cell(entry), *cells, count_cell(n)))
    columns = ("Model", "Failure rate", f"Dice, {FAILED_IS_ZERO}", f"Dice, {OK_ONLY}", "Masks asked")
    caption = f"Step {board.last_step}. A failure is a mask that the model was asked for and did not answer."
    return of_rows("Failures and both policies", caption, columns, rows)


def losses(board: Board) -> Table:
    """Lay out where masks were not ok at the last step."""
    rows = [
        (name_cell(entry), Cell(dataset), Cell(outcome.replace("_", " ")), count_cell(number))
        for entry in board.entries
        for dataset, outcome, number in entry.coverage.lost
    ]
    caption = f"Masks without an answer at step {board.last_step}; the column detail of scores.parquet says more."
    return of_rows("Where answers are lacking", caption, ("Model", "Dataset", "Outcome", "Masks"), rows, words=3)


def cost(board: Board) -> Table:
    """Lay out time and memory."""
    rows = []
    for entry in board.entries:
        times = [
            board.figure(entry.name, f"seconds_{what}", policy=OK_ONLY) for what in ("encode", "prompt", "predict")
        ]
        memory = board.figure(entry.name, "peak_memory_mb", policy=OK_ONLY)
        n = times[0].n_masks if times[0] else 0
        cells = [figure_cell(time, n) for time in times]
        device = entry.facts.get("device")
        rows.append(
            (name_cell(entry), Cell(str(device or "unknown")), *cells, figure_cell(memory, n, 0), n_cell(times[0]))
        )
    columns = ("Model", "Device", "Encode, s", "Prompt, s", "Predict, s", "Peak memory, MiB", "n masks")
    caption = (
        f"Step {board.last_step}, answered masks: medians of the seconds to open the image, to draw this step's prompt "
        "and to predict; the largest resident memory of a worker. Comparable on one machine only."
    )
    return of_rows("Time and memory", caption, columns, rows, words=2)
