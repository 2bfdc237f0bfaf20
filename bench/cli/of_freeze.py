"""`bench freeze`: the first prompts of a suite, in a file."""

import argparse
from dataclasses import asdict
from pathlib import Path

from curate.console import FINDINGS, FINE, Commands, print_json


def add(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add("freeze", freeze, "write the first prompts of a suite to a file that can be checked")
    parser.add_argument("suite", metavar="SUITE", help="name of a shipped suite, SUITE@VARIANT, or path to a TOML file")
    parser.add_argument("--store", metavar="STORE", type=Path, required=True, help="store that `curate build` made")
    parser.add_argument("--out", metavar="FILE", type=Path, required=True, help="the Parquet file")
    parser.add_argument(
        "--seeds", metavar="N", type=int, nargs="+", default=[0], help="one set of prompts for each (default: 0)"
    )


def freeze(arguments: argparse.Namespace) -> int:
    """Write the file and say what a suite names it by; exit status 1 where masks are left out."""
    from bench import suite as suites
    from bench.freeze import freeze as write

    done = write(suites.load(arguments.suite), arguments.store, arguments.out, arguments.seeds)
    if arguments.json:
        print_json({**asdict(done), "path": str(done.path)})
    else:
        left_out = f", {done.not_applicable} left out" if done.not_applicable else ""
        print(f"{done.path}: first prompts of {done.masks} masks{left_out}")
        print(f'first_prompts = {{ file = "{done.path.name}", sha256 = "{done.prompts_sha256}" }}')
    return FINDINGS if done.not_applicable else FINE
