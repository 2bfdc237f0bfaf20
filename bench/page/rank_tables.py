"""Tables of how sure the order is: tie groups, places under every scheme, their agreement, and every two models."""

from bench.board import Board, Entry
from bench.page.cells import DASH, Cell, count_cell, number, plural, share_cell
from bench.page.tables import Table, name_cell, of_rows
from bench.statistics.bootstrap import RESAMPLES
from bench.statistics.comparisons import Comparison
from bench.statistics.figures import FAILED_IS_ZERO, FEW_PATIENTS, OVER_MASKS
from bench.statistics.signed_rank import ALPHA

_LEAST_P = 0.001


def tie_groups(board: Board) -> Table:
    """Lay out the groups of models that no test separates from the best of their group."""
    rows = [
        (Cell(str(number_), order=number_), Cell(", ".join(group)), count_cell(len(group)))
        for number_, group in enumerate(board.tie_groups, start=1)
        if _ranked(board)
    ]
    caption = (
        f"Best first by Dice, {OVER_MASKS}. A group holds its best model and every model that the Wilcoxon signed-rank "
        f"test on patients, corrected by Holm, does not tell from it (p > {ALPHA}). That is no proof of equality."
    )
    return of_rows("Tie groups", caption, ("Group", "Models", "Number of models"), rows, words=2)


def schemes(board: Board) -> Table:
    """Lay out places with their intervals under every scheme."""
    names = _schemes(board)
    rows = [(name_cell(entry), *(_place(entry, name) for name in names)) for entry in _ranked(board)]
    caption = (
        f"Places by Dice at step {board.last_step}, {FAILED_IS_ZERO}; in brackets their 95 % intervals, and how often "
        f"the model is first, alone or with others, over {RESAMPLES:,} resamples of patients."
    )
    return of_rows("Places under each scheme", caption, ("Model", *names), rows)


def agreement(board: Board) -> Table:
    """Lay out Kendall's tau-b between the schemes."""
    rows = [
        (Cell(one), Cell(other), _tau(board.agreement[one, other])) for one, other in board.agreement if _ranked(board)
    ]
    caption = "Between the places of the ranked models: 1 is the same order, -1 the reverse."
    return of_rows("Agreement of the schemes", caption, ("Scheme", "Other scheme", "Kendall's tau-b"), rows, words=2)


def pairs(board: Board) -> Table:
    """Lay out every two models on the masks that both did."""
    shares = {
        entry.name: entry.coverage.counts[board.last_step]["ok"] / entry.coverage.expected for entry in board.entries
    }
    rows = []
    for one in board.comparisons:
        n = Cell(
            f"{one.n_masks:,}",
            (plural(one.n_patients, "patient"), plural(one.n_datasets, "dataset")) if one.n_masks else (),
            order=one.n_masks,
        )
        covered = [share_cell(shares[name]) for name in (one.better, one.worse)]
        tests = [_p(p, one) for p in (one.p, one.p_holm, one.p_false_claim)]
        rows.append((Cell(one.better), Cell(one.worse), _difference(one), *tests, n, *covered))
    names = ("Better", "Worse", "Difference of Dice", "p", "p, Holm", "Claim false")
    caption = (
        f"Mean difference at step {board.last_step} over the masks that both did, {FAILED_IS_ZERO}. p: Wilcoxon "
        "signed-rank test on patients' means, two-sided. Claim false: probability that the one with the larger mean "
        "over patients is not the better one."
    )
    columns = (*names, "n masks", "Coverage of better", "Coverage of worse")
    return of_rows("Every two models", caption, columns, rows, words=2)


def _ranked(board: Board) -> list[Entry]:
    """Return the ranked models; none where one alone would win every scheme."""
    ranked = [entry for entry in board.entries if entry.ranks]
    return ranked if len(ranked) > 1 else []


def _schemes(board: Board) -> tuple[str, ...]:
    ranked = _ranked(board)
    return tuple(ranked[0].ranks) if ranked else ()


def _place(entry: Entry, scheme: str) -> Cell:
    rank = entry.ranks.get(scheme)
    if rank is None:
        return Cell(DASH, why="no patient with a Dice of every model")
    if rank.low is None or rank.first is None:
        return Cell(str(rank.place), (FEW_PATIENTS,), order=rank.place)
    return Cell(
        str(rank.place), (f"[{rank.low}, {rank.high}]", f"first in {share_cell(rank.first).text}"), order=rank.place
    )


def _tau(value: float | None) -> Cell:
    return Cell(DASH, why="one scheme has no order") if value is None else Cell(number(value, 2), order=value)


def _difference(one: Comparison) -> Cell:
    if one.difference is None:
        return Cell(DASH, why=one.why or "")
    if one.low is None or one.high is None:
        return Cell(number(one.difference, signed=True), (one.why or "",), order=one.difference)
    ends = f"[{number(one.low, signed=True)}, {number(one.high, signed=True)}]"
    return Cell(number(one.difference, signed=True), (ends,), order=one.difference)


def _p(value: float | None, one: Comparison) -> Cell:
    if value is None:
        return Cell(DASH, why=one.why or "")
    return Cell(f"< {_LEAST_P}" if value < _LEAST_P else number(value), order=value)
