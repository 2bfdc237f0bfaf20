"""The file that says of predictions what they cannot: whose they are, where they lie, which value is which target."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from bench.models.base import Capabilities, ModelCard
from bench.models.targets import require_known, understood
from curate.errors import UsageError
from curate.plugins import StrictModel, load_toml

Value = Annotated[int, Field(ge=1)]
PLACES = ("{dataset}", "{case}", "{image}", "{target}")
"""What may stand in `files`; `{target}` for predictions of one file per target."""


class Description(StrictModel):
    """What stands in `predictions.toml`; relative paths are taken from its own folder."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]*$")]
    """What runs and leaderboards call the model."""
    description: str = "predictions on disk"
    licence: str = "unknown"
    """SPDX identifier of the model's weights."""
    training_card: str | None = None
    """Name of a shipped card, or path of one (`.toml`)."""
    store: str
    """The store whose images were segmented."""
    files: str
    """Where the prediction of an image lies: `predictions/{case}.nii.gz`, `{dataset}/{case}/{target}.nii.gz`."""
    labels: str | None = None
    """nnU-Net's `dataset.json`, in the place of `targets`."""
    targets: dict[str, Value | list[Value] | str] = {}
    """Vocabulary slug -> its value in the label maps, or values whose union it is; with `{target}`, the word that
    stands there in a file's name."""

    @model_validator(mode="after")
    def _means_something(self) -> Self:
        unknown = set(re.findall(r"\{.*?\}", self.files)) - set(PLACES)
        if unknown:
            raise ValueError(f"files has an unknown {min(unknown)}; known: {', '.join(PLACES)}")
        if self.one_file_per_target != ("{target}" in Path(self.files).name):
            raise ValueError("{target} belongs into the name of a file, not into that of a folder")
        if not any(place in self.files for place in ("{case}", "{image}")):
            raise ValueError("files must hold {case} or {image}, such as 'predictions/{case}.nii.gz'")
        if any(isinstance(own, str) != self.one_file_per_target for own in self.targets.values()):
            kind = "words, such as liver = 'Liver'" if self.one_file_per_target else "values, such as liver = 1"
            raise ValueError(f"targets must be {kind}")
        if self.one_file_per_target and self.labels is not None:
            raise ValueError("labels is about values in label maps; with {target} in files leave it out")
        if not self.one_file_per_target and bool(self.targets) == (self.labels is not None):
            raise ValueError("give targets = { liver = 1 } or labels = 'dataset.json', one of the two")
        return self

    @property
    def one_file_per_target(self) -> bool:
        """True where each target has a file of its own, in which not 0 is inside."""
        return "{target}" in self.files

    def card(self, targets: frozenset[str], path: Path) -> ModelCard:
        """Return the model card; `path` is where the description lies."""
        takes = Capabilities(frozenset({2, 3}), frozenset({"target"}), targets)
        training = self.training_card
        if training is not None and training.endswith(".toml"):
            training = str(path.parent / training)
        return ModelCard(self.name, self.description, self.licence, takes, training, path.name)


def read(path: Path) -> Description:
    """Read a description.

    Raises:
        UsageError: When there is none, when it breaks its schema, or when a target is not in the vocabulary.
    """
    found = load_toml(path, Description)
    require_known(path, found.targets)
    return found


def values_of(said: Description, folder: Path) -> dict[str, tuple[int, ...]]:
    """Return target -> values of the label maps, as the description or nnU-Net's `dataset.json` says; sorted.

    Names in a `dataset.json` that the vocabulary does not know are left out: nobody can ask for them.

    Raises:
        UsageError: When `dataset.json` cannot be read, or none of its names is a target of the vocabulary.
    """
    if said.labels is None:
        return {slug: _as_tuple(own) for slug, own in sorted(said.targets.items())}
    path = folder / said.labels
    try:
        stated = json.loads(path.read_text(encoding="utf-8"))["labels"]
        pairs = list(_named_values(stated))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path}: is no dataset.json with `labels` ({type(error).__name__}: {error})") from error
    found = {slug: values for name, values in pairs if (slug := understood(name)) is not None}
    if not found:
        names = ", ".join(name for name, _ in pairs) or "none"
        raise UsageError(f"{path}: no label is a target of the vocabulary (found {names}); write targets = {{ ... }}")
    return dict(sorted(found.items()))


def _named_values(stated: Mapping[str, Any]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield name and values: name -> value or values of a region (version 2), or value -> name (version 1)."""
    for key, value in stated.items():
        name, values = (str(value), (int(key),)) if key.isdigit() else (key, _as_tuple(value))
        if name.casefold() not in ("background", "ignore") and 0 not in values:
            yield name, values


def _as_tuple(own: Any) -> tuple[int, ...]:
    return tuple(int(one) for one in own) if isinstance(own, list) else (int(own),)
