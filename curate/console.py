"""What the command lines `curate` and `bench` share: exit statuses, one-line errors, JSON and tables."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from curate.errors import MedseenError

Handler = Callable[[argparse.Namespace], int]

FINE, FINDINGS, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """Print the message and where to look, and leave with status 2."""
        self.exit(WRONG_USAGE, f"{self.prog}: {message}; see `{self.prog} --help`\n")


class Commands:
    """The commands of a program; each takes `--json` and has a handler."""

    def __init__(self, program: str, description: str) -> None:
        self.parser = Parser(prog=program, description=description)
        self._commands = self.parser.add_subparsers(required=True, metavar="COMMAND")

    def add(self, name: str, handler: Handler, text: str) -> argparse.ArgumentParser:
        """Add a command and return its parser."""
        sub = self._commands.add_parser(name, help=text, description=text)
        sub.set_defaults(handler=handler)
        sub.add_argument("--json", action="store_true", help="print JSON")
        return sub


def dispatch(parser: argparse.ArgumentParser, argv: Sequence[str] | None) -> int:
    """Run one command and return its exit status: 0 fine, 1 done with findings, 2 wrong usage or configuration."""
    arguments = parser.parse_args(argv)
    handler: Handler = arguments.handler
    try:
        status = handler(arguments)
        sys.stdout.flush()
    except MedseenError as error:
        print(f"{parser.prog}: {' '.join(str(error).split())}", file=sys.stderr)
        return WRONG_USAGE
    except BrokenPipeError:  # whoever read the output has enough; nothing is left to flush at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FINE
    except KeyboardInterrupt:
        print(f"{parser.prog}: interrupted; the same command goes on from here", file=sys.stderr)
        return INTERRUPTED
    return status


def print_json(value: Any) -> int:
    """Print a value as indented JSON and return `FINE`."""
    print(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))
    return FINE


def print_table(rows: Sequence[dict[str, Any]]) -> None:
    """Print rows as aligned columns; numbers to the right, null as a dash."""
    if not rows:
        return
    cells = [list(rows[0]), *([_cell(value) for value in row.values()] for row in rows)]
    widths = [max(len(line[n]) for line in cells) for n in range(len(cells[0]))]
    right = [isinstance(value, int | float) for value in rows[0].values()]
    for line in cells:
        padded = (c.rjust(w) if r else c.ljust(w) for c, w, r in zip(line, widths, right, strict=True))
        print("  ".join(padded).rstrip())


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return ", ".join(str(item) for item in value) if isinstance(value, list) else str(value)
