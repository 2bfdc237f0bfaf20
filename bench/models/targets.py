"""Targets as models are told them: slugs of the vocabulary, names that mean one, and the one that is asked for."""

from collections.abc import Collection, Iterable
from pathlib import Path

from bench.errors import UnsupportedError
from bench.records import Prompts
from curate.errors import ConfigError
from curate.vocabulary import Vocabulary


def require_known(path: Path, slugs: Iterable[str]) -> None:
    """Refuse a description of a model that names a target which is not in the vocabulary.

    Raises:
        ConfigError: Names the file and the target, and what was probably meant.
    """
    vocabulary = Vocabulary.load()
    for slug in slugs:
        try:
            vocabulary.target(slug)
        except LookupError as error:
            raise ConfigError(f"{path}: targets: {error}") from error


def understood(name: str) -> str | None:
    """Return the one target that a name means; a union of several is not told apart by one channel or value."""
    try:
        found = Vocabulary.load().resolve(name)
    except LookupError:
        return None
    return found[0] if len(found) == 1 else None


def told(model: str, prompts: Prompts, known: Collection[str] | None) -> str:
    """Return the target that a model without other prompts is told.

    Args:
        model: Its name, for messages.
        prompts: What it is shown.
        known: Targets that it can be told; None where any may be.

    Raises:
        UnsupportedError: For a target that it does not know, for points or a box, or where no target is told.
    """
    if prompts.kinds != {"target"} or prompts.target is None:
        found = ", ".join(sorted(prompts.kinds)) or "nothing"
        raise UnsupportedError(f"{model} is told a target and nothing else, found {found}")
    if known is not None and prompts.target not in known:
        raise UnsupportedError(f"{model} does not know the target {prompts.target}")
    return prompts.target
