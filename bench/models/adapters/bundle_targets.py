"""Which channel or value of a MONAI bundle's answer is which target."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from bench.models.targets import require_known, understood
from curate.errors import UsageError
from curate.plugins import StrictModel, load_toml

DESCRIPTION = "medseen.toml"
"""File in a bundle's folder that says what its own `metadata.json` leaves open."""
BACKGROUND = "background"

Index = Annotated[int, Field(ge=0)]


class Description(StrictModel):
    """What may stand in `medseen.toml`; everything has a default from `metadata.json`."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")] | None = None
    licence: str = "unknown"
    training_card: str | None = None
    targets: dict[str, Index | list[Index]] = {}
    """Vocabulary slug -> its key, or keys, in `channel_def`."""


def description(folder: Path) -> Description:
    """Read a bundle's `medseen.toml`; without one, nothing is said.

    Raises:
        UsageError: When it breaks its schema or names a target that is not in the vocabulary.
    """
    path = folder / DESCRIPTION
    if not path.is_file():
        return Description()
    found = load_toml(path, Description)
    require_known(path, found.targets)
    return found


def targets_of(channels: Mapping[str, str], said: Description, folder: Path) -> dict[str, list[int]]:
    """Return target -> keys of `channel_def`, as the user says or else as the vocabulary understands the names.

    Raises:
        UsageError: When no name is a target of the vocabulary.
    """
    if said.targets:
        return {slug: [own] if isinstance(own, int) else list(own) for slug, own in said.targets.items()}
    found: dict[str, list[int]] = {}
    for index, name in channels.items():
        slug = None if name.lower() == BACKGROUND else understood(name)
        if slug is not None:
            found.setdefault(slug, []).append(int(index))
    if not found:
        names = ", ".join(channels.values()) or "none"
        raise UsageError(
            f"{folder}: no channel is a target of the vocabulary (found {names}); "
            f"write {DESCRIPTION} there, with targets = {{ liver = 1 }}"
        )
    return found


def channel_names(metadata: Mapping[str, Any]) -> dict[str, str]:
    """Return `channel_def` of the prediction: index -> name; empty where the metadata say none."""
    outputs = metadata.get("network_data_format", {}).get("outputs", {})
    pred: Mapping[str, Any] = outputs.get("pred") or next(iter(outputs.values()), {})
    return {str(index): str(name) for index, name in pred.get("channel_def", {}).items()}
