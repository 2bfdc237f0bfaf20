"""Which recipes to build, and where their datasets lie."""

from collections.abc import Sequence
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
    named = [(_beside(folder, entry.recipe), folder / entry.raw.expanduser()) for entry in entries]
    return _unique([Source(recipe.load(name), raw) for name, raw in named])


def from_names(names: Sequence[str], raw: Path) -> list[Source]:
    """Pair recipes with folders: one recipe with `raw` itself, several with `raw/<dataset id>` each."""
    recipes = [recipe.load(name) for name in names]
    if len(recipes) == 1:
        return [Source(recipes[0], raw)]
    return _unique([Source(one, raw / one.dataset.id) for one in recipes])


def _beside(folder: Path, name: str) -> str:
    """Take a relative path to a recipe as relative to the sources file."""
    return str(folder / name) if name.endswith(".toml") or "/" in name else name


def _unique(sources: list[Source]) -> list[Source]:
    ids = [source.recipe.dataset.id for source in sources]
    twice = sorted({name for name in ids if ids.count(name) > 1})
    if twice:
        raise ConfigError(f"dataset `{twice[0]}` stands twice; name each dataset once")
    return sources
