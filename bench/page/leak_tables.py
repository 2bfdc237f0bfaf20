"""Tables of leaks: images of the test set that a model was, or may have been, trained on."""

from bench.board import Board
from bench.page.cells import Cell, count_cell
from bench.page.tables import Table, name_cell, of_rows, rivals
from bench.training.leaks import EVIDENCE, counts

_CAPTION = (
    "By training card, lineage and voxel hashes; the first three kinds of evidence are certain. A model that discloses "
    "nothing has no rows here: look at what is unknown above."
)


def summary(board: Board) -> Table:
    """Count the images of each model by evidence."""
    rows = [
        (name_cell(entry), *(count_cell(count) for count in counts(found).values()))
        for entry in rivals(board)
        if (found := board.leaks.get(entry.name, ()))
    ]
    return of_rows("Test images found in training data", _CAPTION, ("Model", *map(str.capitalize, EVIDENCE)), rows)


def images(board: Board) -> Table:
    """Name every image, surest first."""
    rows = [
        (name_cell(entry), *map(Cell, (leak.dataset, leak.image_id, leak.evidence, leak.why)), count_cell(leak.masks))
        for entry in rivals(board)
        for leak in board.leaks.get(entry.name, ())
    ]
    columns = ("Model", "Dataset", "Image", "Evidence", "Why", "Masks")
    return of_rows("Test images found in training data, by name", _CAPTION, columns, rows, words=5)
