"""Which model a user chose, with which weights and options, and what it is called on a leaderboard."""

import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.models.base import ModelCard
from curate.errors import UsageError

UNDISCLOSED = "none"
"""In the place of a training card: nothing is known of what the weights have learnt."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which model, with which weights and options, where, and what is said of it."""

    name: str
    weights: Path | None = None
    device: str = "cpu"
    options: tuple[tuple[str, Any], ...] = ()
    """What differs from the model's own defaults, by name, sorted."""
    title: str | None = None
    """What the run's rows and leaderboards call it; None for the card's name and the options."""
    training_card: str | None = None
    """In the place of the one that the model's card names; `none` where it is undisclosed. None: the model's own."""

    def __post_init__(self) -> None:
        """Refuse a name that nobody could read."""
        if self.title is not None and not (self.title.strip() and self.title.isprintable()):
            raise UsageError(f"--name {self.title!r}: give a name of printable characters, on one line")


def parse_options(texts: Iterable[str]) -> tuple[tuple[str, Any], ...]:
    """Read options as they are typed, `NAME=VALUE` each, and sort them by name.

    A value is true or false, a finite number, a text or a list of these, as TOML writes them (`[-160, 240]`, `"a b"`);
    all else is a text without quotes.

    Raises:
        UsageError: For a text without `=` or a name, and for a name that is given twice.
    """
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier():
            raise UsageError(f"--set {text}: write NAME=VALUE, such as --set clamp_ct=true")
        if name in found:
            raise UsageError(f"--set {name} is given twice; keep one")
        found[name] = _value(value)
    return tuple(sorted(found.items()))


def presented(card: ModelCard, choice: Choice) -> ModelCard:
    """Return what rows and leaderboards say of a model: its card, under the chosen name and training card.

    A model with options is another one than without, so that they stand in its name where nobody gave it one.
    """
    training = card.training_card if choice.training_card is None else choice.training_card
    return replace(
        card,
        name=choice.title or card.name + _shown(dict(choice.options)),
        training_card=None if training == UNDISCLOSED else training,
    )


def _shown(options: Mapping[str, Any]) -> str:
    """Return options as they stand behind a name: `[clamp_ct=true,points_fed=all]`."""
    words = [f"{name}={str(value).lower() if isinstance(value, bool) else value}" for name, value in options.items()]
    return f"[{','.join(words)}]" if words else ""


def _value(text: str) -> Any:
    try:
        read = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    value = _frozen(read["value"])
    return value if read.keys() == {"value"} and _is_plain(value) else text  # another key stands behind a line break


def _frozen(value: Any) -> Any:
    """Return lists as tuples, so that choices can be compared and kept."""
    return tuple(_frozen(one) for one in value) if isinstance(value, list) else value


def _is_plain(value: Any) -> bool:
    """Tell whether JSON has a word for a value, and it can be compared: no dates, tables, NaN or infinity."""
    if isinstance(value, tuple):
        return all(map(_is_plain, value))
    return math.isfinite(value) if isinstance(value, float) else isinstance(value, (bool, int, str))
