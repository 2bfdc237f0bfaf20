"""The recipe: one TOML file that explains a source tree, without code; `docs/recipes.md` shows it by example."""

from collections import Counter
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from curate.errors import ConfigError, UnknownNameError
from curate.files import sha256_of_json
from curate.plugins import StrictModel, find, load_toml
from curate.recipe.dataset import DatasetFacts, Exclusion, Expect, LabelledCases, Origin, SplitList, Splits
from curate.recipe.download import Download
from curate.recipe.files import ImageFiles, LabelFiles, RecipeFiles, SeriesChoice
from curate.recipe.paths import FIELDS, compile_path, compiled
from curate.recipe.replica import Replica
from curate.recipe.values import Values
from curate.vocabulary import Vocabulary

__all__ = [
    "FIELDS",
    "DatasetFacts",
    "ImageFiles",
    "LabelFiles",
    "Recipe",
    "RecipeFiles",
    "SeriesChoice",
    "SplitList",
    "Values",
    "as_json",
    "compile_path",
    "load",
]


class Recipe(StrictModel):
    """One source tree, explained."""

    schema_version: Annotated[Literal[1], Field(alias="schema")]
    dataset: DatasetFacts
    images: Annotated[tuple[ImageFiles, ...], Field(min_length=1)]
    labels: Annotated[tuple[LabelFiles, ...], Field(min_length=1)]
    patient: str | None = None
    """Regular expression on the case key; its first group is the patient key. Default: the case is the patient."""
    derived_from: tuple[Origin, ...] = ()
    exclude: tuple[Exclusion, ...] = ()
    labelled: tuple[LabelledCases, ...] = ()
    splits: Splits = Splits()
    expect: Expect = Expect()
    download: Download | None = None
    replica: Replica | None = None

    @field_validator("patient")
    @classmethod
    def _a_group(cls, pattern: str | None) -> str | None:
        if pattern is not None and compiled(pattern).groups < 1:
            raise ValueError("needs a group in parentheses that captures the patient key")
        return pattern

    @model_validator(mode="after")
    def _consistent(self) -> "Recipe":
        entries: list[RecipeFiles] = [*self.images, *self.labels]
        for entry in entries:
            if ("case" in entry.pattern.groupindex) == (entry.case is not None):
                raise ValueError(f"path `{entry.path}` needs {{case}} in it, or a `case` beside it, and not both")
        for case in self.labelled:
            for target in set(case.targets) - set(self.targets()):
                raise ValueError(f"`labelled` names `{target}`, which no label entry has")
        roles = Counter((image.root, image.path, image.case, image.channel) for image in self.images)
        for (_, path, _, channel), count in roles.items():
            if count > 1:
                raise ValueError(f"images `{path}` stand twice with the channel `{channel}`; give each a `channel`")
        channels = {image.channel for image in self.images}
        for label in self.labels:
            for name in label.images or ():
                if name not in channels:
                    known = ", ".join(sorted(str(channel) for channel in channels))
                    raise ValueError(f"labels `{label.path}` name the channel `{name}`; channels are: {known}")
        return self

    @property
    def sha256(self) -> str:
        """Hash of what a build depends on, blind to comments, layout, downloads and replicas."""
        return sha256_of_json(self.model_dump(mode="json", by_alias=True, exclude={"download", "replica"}))

    @property
    def roots(self) -> list[str]:
        """Names of the other source trees that it reads from."""
        return sorted({entry.root for entry in (*self.images, *self.labels) if entry.root is not None})

    def origin(self, key: str) -> str | None:
        """Return `<dataset>/<case>` that a case was taken from, or None where the recipe does not know."""
        return next((found for origin in self.derived_from if (found := origin.of(key))), None)

    def targets(self) -> list[str]:
        """Return every target of the dataset, in the recipe's order; a target's place is its label value plus one."""
        return list(dict.fromkeys(target for label in self.labels for target in label.targets()))


def load(name_or_path: str) -> Recipe:
    """Load a recipe that ships, or one of the user's own.

    Raises:
        ConfigError: For a broken recipe, in one line that says what to type.
        UnknownNameError: For a name or path that is not there.
    """
    path = find("recipes", name_or_path)
    recipe = load_toml(path, Recipe)
    if recipe.dataset.id != path.stem:
        raise ConfigError(f"{path}: `dataset.id` is `{recipe.dataset.id}`; rename the file or set it to `{path.stem}`")
    try:
        _check_words(recipe, Vocabulary.load())
    except UnknownNameError as error:
        raise ConfigError(f"{path}: {error}") from error
    return recipe


def _check_words(recipe: Recipe, vocabulary: Vocabulary) -> None:
    """Refuse targets, modalities and sequences that are not in the vocabulary."""
    for target in recipe.targets():
        vocabulary.target(target)
    for image in recipe.images:
        vocabulary.modality(image.modality)
        if image.sequence is not None:
            vocabulary.sequence(image.sequence, image.modality)
        vocabulary.region(image.region or recipe.dataset.region)


def as_json(recipe: Recipe) -> dict[str, Any]:
    """Return the recipe as JSON-like data, from which `Recipe.model_validate` makes it again on a worker."""
    return recipe.model_dump(mode="json", by_alias=True)
