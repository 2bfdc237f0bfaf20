"""Where a dataset can be had: the few facts of its recipe that a reader of a suite needs."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from curate.errors import ConfigError
from curate.plugins import shipped_folder

ACCESS = {
    "open": "open download",
    "account": "needs an account or accepted terms",
    "request": "somebody has to agree",
    "closed": "can no longer be had",
}
"""Kind of access, as recipes state it -> in words."""


@dataclass(frozen=True, slots=True)
class Source:
    """What a recipe says of getting its dataset; absent facts are None."""

    dataset: str
    title: str | None
    licence: str | None
    page: str | None
    """Where it is downloaded or asked for, else its homepage."""
    access: str | None
    """A key of ACCESS."""


@cache
def source(dataset: str) -> Source | None:
    """Return the facts of a shipped recipe; None where none ships.

    Raises:
        ConfigError: When the recipe is not TOML.
    """
    path = shipped_folder("recipes") / f"{dataset}.toml"
    if not path.is_file():
        return None
    content = _read(path)
    facts, download = content.get("dataset", {}), content.get("download", {})
    page = download.get("page") or facts.get("homepage")
    return Source(dataset, facts.get("title"), facts.get("licence"), page, download.get("access"))


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}); see `curate check {path.stem}`") from error
