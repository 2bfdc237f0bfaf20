"""The command `curate`: parse, call, print. No logic lives here, and nothing heavy is imported before it is needed."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from curate.cli import of_catalogue, of_fetch, of_recipes, of_report, of_stores
from curate.console import Commands, dispatch


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 fine, 1 done with findings, 2 wrong usage or configuration."""
    return dispatch(_parser(), argv)


def _parser() -> argparse.ArgumentParser:
    commands = Commands("curate", "Turn public medical datasets into one store.")
    command = commands.add
    of_catalogue.add_list(command("list", of_catalogue.list_, "list the recipes and profiles that ship"))
    of_fetch.add_fetch(command("fetch", of_fetch.fetch, "download a dataset, or say how a person gets it"))
    of_catalogue.add_lineage(
        command("lineage", of_catalogue.lineage, "tell which datasets share images with one, and why")
    )
    check = command("check", of_recipes.check, "check a recipe alone, without data")
    check.add_argument("recipe", metavar="RECIPE", help="name of a shipped recipe, or path to a TOML file")
    check.add_argument("--replica", metavar="DIR", type=Path, help="keep the recipe's tiny tree and its store here")
    init = command("init", of_recipes.init, "look at an unknown folder and write a draft recipe")
    init.add_argument("tree", metavar="SOURCE_TREE", type=Path, help="a dataset as downloaded and unpacked")
    init.add_argument("--id", metavar="NAME", help="id of the recipe (default: made of the folder's name)")
    init.add_argument("--out", metavar="FILE", type=Path, help="where to write it (default: NAME.toml here)")
    scan = command("scan", of_recipes.scan, "read names and headers: what is found, what is rejected, against [expect]")
    scan.add_argument("recipe", metavar="RECIPE", help="name of a shipped recipe, or path to a TOML file")
    scan.add_argument("--raw", metavar="DIR", type=Path, required=True, help="the dataset as downloaded and unpacked")
    _add_roots(scan)
    _add_profile_and_where(scan)
    build = command("build", of_recipes.build, "build a store from source trees")
    build.add_argument("recipes", metavar="RECIPE", nargs="*", help="name of a shipped recipe, or path to a TOML file")
    build.add_argument(
        "--raw", metavar="DIR", type=Path, help="the dataset; with several recipes, the folder of DIR/<recipe>"
    )
    _add_roots(build)
    build.add_argument("--sources", metavar="FILE", type=Path, help="TOML file of [[source]] recipe = ..., raw = ...")
    build.add_argument("--out", metavar="STORE", type=Path, required=True, help="folder of the store")
    build.add_argument(
        "--resume",
        choices=("missing", "never", "always"),
        default="missing",
        help="which finished cases to keep: those whose inputs are unchanged (missing), none (never), all (always)",
    )
    _add_profile_and_where(build)
    pairs = command(
        "duplicates", of_stores.duplicates, "find the same scan under other names, formats, poses and intensities"
    )
    pairs.add_argument("stores", metavar="STORE", nargs="+", type=Path, help="folders of stores")
    pairs.add_argument("--out", metavar="FILE", type=Path, help="write the table (.parquet, .csv or .json)")
    _add_where(pairs)
    split = command("split", of_stores.split, "move patients so that no duplicate stands on two sides of a split")
    split.add_argument("store", metavar="STORE", type=Path, help="folder of a store")
    _add_where(split)
    _add_export(command("export", of_stores.export, "write a part of a store in the layout of a trainer or catalogue"))
    for name, handler, text in (
        ("verify", of_stores.verify, "check a store's hashes, tables and masks"),
        ("stats", of_stores.stats, "count what is in a store"),
    ):
        command(name, handler, text).add_argument("store", metavar="STORE", type=Path, help="folder of a store")
    of_report.add_report(command("report", of_report.report, "write a page of tables, charts and pictures of a store"))
    return commands.parser


def _add_roots(parser: argparse.ArgumentParser) -> None:
    text = "where another source tree lies that the recipe reads from (repeatable)"
    parser.add_argument("--root", metavar="NAME=DIR", action="append", default=[], help=text)


def _add_profile_and_where(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--profile",
        metavar="NAME",
        default="native",
        help="name of a profile, or path to a TOML file (default: native)",
    )
    _add_where(parser)


def _add_where(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--workers", metavar="N", type=int, help="processes to use (default: threads of this process)")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="address of a running dask scheduler")


def _add_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("store", metavar="STORE", type=Path, help="folder of a store")
    parser.add_argument("format", metavar="FORMAT", help="sam-med3d, sa-med2d, nnunet, decathlon, croissant, ...")
    parser.add_argument("--out", metavar="DIR", type=Path, required=True, help="new folder of the export")
    for kind in of_stores.SELECTED:
        text = f"{kind} to export, or !PATTERN to leave out (repeatable)"
        parser.add_argument(f"--{kind}", metavar="PATTERN", action="append", default=[], help=text)
