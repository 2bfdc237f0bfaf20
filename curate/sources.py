"""Which recipes to build, and where their datasets lie."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from pydantic import Field

from curate import recipe
from curate.errors import ConfigError
from curate.pipeline import Source
from curate.plugins import StrictModel, load_toml


class SourceEntry(StrictModel):
    """One dataset of a sources file."""

    recipe: str
    """Name of a shipped recipe, or path to a TOML file."""
    raw: Path
    """Folder of the dataset. Relative paths are relative to the sources file; `~` is the home folder."""
    roots: dict[str, Path] = {}
    """Where other source trees lie that the recipe reads from; those of this file need not be repeated."""


class SourcesFile(StrictModel):
    """A list of datasets."""

    source: Annotated[tuple[SourceEntry, ...], Field(min_length=1)]


def from_file(path: Path) -> list[Source]:
    """Read a sources file.

    Raises:
        ConfigError: For a broken file or recipe, or for a dataset that stands twice.
    """
    folder = path.parent
    entries = load_toml(path, SourcesFile).source
    found = []
    for entry in entries:
        roots = {name: folder / path.expanduser() for name, path in entry.roots.items()}
        found.append(Source(recipe.load(_beside(folder, entry.recipe)), folder / entry.raw.expanduser(), roots))
    return _with_neighbours(_unique(found))


def from_names(names: Sequence[str], raw: Path, roots: Mapping[str, Path] | None = None) -> list[Source]:
    """Pair recipes with folders: one recipe with `raw` itself, several with `raw/<dataset id>` each.

    `roots` says where further source trees lie that the recipes read from.
    """
    recipes = [recipe.load(name) for name in names]
    if len(recipes) == 1:
        return [Source(recipes[0], raw, dict(roots or {}))]
    return _with_neighbours(_unique([Source(one, raw / one.dataset.id, dict(roots or {})) for one in recipes]))


def _with_neighbours(sources: list[Source]) -> list[Source]:
    """Let recipes read from the folders of the other datasets, by their ids, where nothing else is said."""
    folders = {source.recipe.dataset.id: source.raw for source in sources}
    return [replace(source, roots=folders | dict(source.roots)) for source in sources]


def _beside(folder: Path, name: str) -> str:
    """Take a relative path to a recipe as relative to the sources file."""
    return str(folder / name) if name.endswith(".toml") or "/" in name else name


def _unique(sources: list[Source]) -> list[Source]:
    ids = [source.recipe.dataset.id for source in sources]
    twice = sorted({name for name in ids if ids.count(name) > 1})
    if twice:
        raise ConfigError(f"dataset `{twice[0]}` stands twice; name each dataset once")
    return sources
