"""`bench transfer`."""

import argparse

from curate.console import FINE, print_json


def transfer(arguments: argparse.Namespace) -> int:
    """Study what models keep on what they have not seen."""
    from bench.transfer import study

    files = study.write(arguments.runs, arguments.out)
    if arguments.json:
        print_json([str(path) for path in files])
    else:
        print("\n".join(f"transfer study: {path}" for path in files if path.parent == arguments.out))
        print(f"tables: {arguments.out / 'tables'}")
    return FINE
