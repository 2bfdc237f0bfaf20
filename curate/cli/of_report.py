"""The command `curate report`: a store as a page for people."""

import argparse
from pathlib import Path

from curate.console import FINDINGS, FINE, print_json
from curate.errors import UsageError


def add_report(parser: argparse.ArgumentParser) -> None:
    """Add the options of `curate report`."""
    parser.add_argument("store", metavar="STORE", type=Path, help="folder of a store")
    parser.add_argument("--out", metavar="DIR", type=Path, required=True, help="folder of the report")
    pictures = parser.add_mutually_exclusive_group()
    pictures.add_argument("--images", metavar="N", type=int, default=6, help="pictures of each dataset (default: 6)")
    pictures.add_argument(
        "--no-images", dest="images", action="store_const", const=0, help="tables and charts only; no voxel is read"
    )
    text = "recipe of a dataset, where it does not ship: its [expect] is compared (repeatable)"
    parser.add_argument("--recipe", metavar="RECIPE", dest="recipes", action="append", default=[], help=text)
    parser.add_argument("--workers", metavar="N", type=int, help="processes to use (default: threads of this process)")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="address of a running dask scheduler")


def report(arguments: argparse.Namespace) -> int:
    """Write the report and say what is not in order."""
    from dataclasses import asdict

    from curate import report as reports
    from curate.executor import Where

    if arguments.images < 0:
        raise UsageError(f"--images {arguments.images}: give 1 or more, or --no-images")
    where = Where(arguments.workers, arguments.scheduler)
    written = reports.write(arguments.store, arguments.out, arguments.images, where, arguments.recipes)
    status = FINDINGS if written.has_faults else FINE
    if arguments.json:
        print_json(asdict(written) | {"page": str(written.page)})
        return status
    for one in written.findings:
        print(f"{one.dataset or arguments.store}: {one.detail}")
    shown = f"{written.pictures} pictures" + f", {written.not_shown} images cannot be shown" * bool(written.not_shown)
    print(f"{written.page}: {written.tables} tables, {shown}")
    return status
