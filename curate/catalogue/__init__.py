"""The recipes that ship, as facts to list and to choose by: no data and no replicas are looked at."""

from collections.abc import Iterable

from curate.catalogue.choice import Choice
from curate.catalogue.entry import Dimension, Entry, Listed, as_json, entry_of
from curate.errors import ConfigError
from curate.plugins import load_toml, shipped_folder, shipped_names

__all__ = ["Choice", "Dimension", "Entry", "as_json", "choose", "load"]


def load() -> tuple[list[Entry], list[str]]:
    """Return every recipe that ships, by name, and one line for each that is broken."""
    entries: list[Entry] = []
    broken: list[str] = []
    for name in shipped_names("recipes"):
        try:
            entries.append(entry_of(load_toml(shipped_folder("recipes") / f"{name}.toml", Listed)))
        except ConfigError as error:
            broken.append(str(error))
    return entries, broken


def choose(entries: Iterable[Entry], choice: Choice) -> list[Entry]:
    """Return the entries that meet every condition of a choice.

    Raises:
        UnknownNameError: When the choice has a word that no recipe can have.
    """
    choice.check()
    return [entry for entry in entries if choice.holds(entry)]
