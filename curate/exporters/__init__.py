"""Exporters: from a store to the folders that trainers and catalogues read, one file per format.

An exporter is a function `export(store, out, selection) -> ExportReport`; `curate.exporters.frame.run` gives it the
folder, the account of what was left out and the licences. Third parties add exporters through the entry-point group
`medseen.exporters`.
"""

from pathlib import Path
from typing import Protocol

from curate.exporters.report import ExportReport
from curate.exporters.selection import EVERYTHING, Selection
from curate.plugins import Registry

__all__ = ["EVERYTHING", "REGISTRY", "ExportReport", "Exporter", "Selection", "export"]

REGISTRY = Registry(
    kind="export format",
    group="medseen.exporters",
    builtin={
        "croissant": "curate.exporters.croissant:export",
        "decathlon": "curate.exporters.decathlon:export",
        "nnunet": "curate.exporters.nnunet:export",
        "sa-med2d": "curate.exporters.sa_med2d:export",
        "sam-med3d": "curate.exporters.sam_med3d:export",
    },
)


class Exporter(Protocol):
    """What every exporter does."""

    def __call__(self, store: Path, out: Path, selection: Selection) -> ExportReport:
        """Write the chosen part of `store` into `out`, a folder that is new, empty or holds this very export.

        Raises:
            UsageError: When the folder or the selection cannot be meant.
        """


def export(store: Path, name: str, out: Path, selection: Selection = EVERYTHING) -> ExportReport:
    """Write the chosen part of a store in the format called `name`.

    Args:
        store: Root of a finished store; it is read only.
        name: One of `REGISTRY.names()`.
        out: Folder that is new, empty, or holds this very export already, which then is left as it is.
        selection: Which datasets, targets, modalities and splits; the default is everything.

    Raises:
        UnknownNameError: For an unknown format.
        UsageError: When store, folder or selection cannot be meant, or the format cannot hold the selection.
    """
    exporter: Exporter = REGISTRY.load(name)
    return exporter(store, out, selection)
