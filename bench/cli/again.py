"""The command that a run was started with, in words that mean the same in every folder."""

import argparse
import shlex
from pathlib import Path

_OPTIONS = (
    *("limit", "resume", "on_failure", "timeout", "device", "workers", "scheduler", "keep_predictions"),
    "retry_failed",
)
"""Options of `bench run` that are repeated where something else than this is given."""
_LEFT_OUT = (("resume", "missing"), ("resume", "never"), ("on_failure", "record"), ("device", "auto"))
"""What need not be said; who goes on does not start again."""


def command(arguments: argparse.Namespace, model: str) -> str:
    """Return the `bench run` command that goes on with a run.

    Args:
        arguments: What was given.
        model: The model's name, with absolute paths in it.
    """
    weights = [] if arguments.weights is None else ["--weights", _absolute(arguments.weights)]
    words = ["bench", "run", named(arguments.suite), "--model", model, *weights]
    words += [word for option in arguments.options for word in ("--set", option)]
    words += [] if arguments.name is None else ["--name", arguments.name]
    words += [] if arguments.training_card is None else ["--training-card", named(arguments.training_card)]
    words += ["--store", str(arguments.store.resolve()), "--out", str(arguments.out.resolve())]
    for name in _OPTIONS:
        value = getattr(arguments, name)
        if value is True:
            words.append(_flag(name))
        elif value not in (None, False) and (name, value) not in _LEFT_OUT:
            words += [_flag(name), f"{value:g}" if isinstance(value, float) else str(value)]
    return shlex.join(words)


def named(word: str) -> str:
    """Return a file, or `FILE@VARIANT`, as it is meant in every folder; a word that names no file stays as it is."""
    file, at, variant = word.rpartition("@")
    if Path(word).is_file() or not Path(file).is_file():
        file, at, variant = word, "", ""
    return f"{Path(file).resolve()}{at}{variant}" if Path(file).is_file() else word


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _absolute(path: str | Path) -> str:
    return str(Path(path).resolve()) if Path(path).exists() else str(path)
