"""What a suite file says: groups of masks, what it chooses, its published variants, and what its paper states."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, model_validator

from bench import protocols
from bench.suite.choices import MetricChoice, ProtocolChoice
from curate.errors import UnknownNameError, UsageError
from curate.files import sha256_of_json
from curate.plugins import StrictModel, nearest

Patterns = Annotated[tuple[str, ...], Field(min_length=1)]
Answer = Literal["seen", "unseen"]
ALL: tuple[str, ...] = ("*",)


class Group(StrictModel):
    """Masks that belong together; every pattern may hold `*`, `?` and `[...]` as in file names."""

    name: str
    datasets: Patterns = ALL
    """Recipe ids; `amos22:val` is one split of a dataset."""
    targets: Patterns = ALL
    """Vocabulary slugs; the slug of a pair (`kidney`) takes its left and right too."""
    modalities: Patterns = ALL
    kinds: Patterns = ALL
    splits: Patterns = ALL
    stated: Answer | None = None
    """What the paper behind the suite says of these targets; kept beside what is computed."""


class Stated(StrictModel):
    """What the paper behind the suite says beyond targets, for the model that it presents."""

    source: str
    seen_datasets: tuple[str, ...] = ()
    """Recipe ids of datasets with other cases in training."""
    unseen_datasets: tuple[str, ...] = ()
    seen_modalities: tuple[str, ...] = ()
    unseen_modalities: tuple[str, ...] = ()
    images: Answer | None = None
    """`unseen` where the paper says that no evaluated image was trained on."""

    def dataset(self, name: str) -> Answer | None:
        """Return what is stated of a dataset."""
        return _stated(name, self.seen_datasets, self.unseen_datasets)

    def modality(self, name: str) -> Answer | None:
        """Return what is stated of a modality."""
        return _stated(name, self.seen_modalities, self.unseen_modalities)

    @model_validator(mode="after")
    def _say_one_thing(self) -> "Stated":
        both = {*self.seen_datasets, *self.seen_modalities} & {*self.unseen_datasets, *self.unseen_modalities}
        if both:
            raise ValueError(f"`{min(both)}` is stated to be both seen and unseen")
        return self


class Variant(StrictModel):
    """The same tasks as somebody else ran them."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    description: str
    source: str
    """Where the variant was published."""
    protocol: ProtocolChoice | None = None
    """None where no protocol here draws its prompts; `lacks` then says why."""
    lacks: str | None = None
    """What of the published variant is not reproduced."""

    @model_validator(mode="after")
    def _runs_or_says_why_not(self) -> "Variant":
        if self.protocol is None and self.lacks is None:
            raise ValueError("give a `protocol`, or say in `lacks` what is missing to run it")
        return self


class Suite(StrictModel):
    """One suite. A mask belongs to the first group that takes it; masks of no group are not evaluated."""

    schema_version: Annotated[Literal[1], Field(alias="schema")]
    name: str
    version: int
    description: str
    source: str
    protocol: ProtocolChoice
    metrics: MetricChoice = MetricChoice()
    groups: Annotated[tuple[Group, ...], Field(min_length=1)]
    stated: Stated | None = None
    variants: Annotated[tuple[Variant, ...], Field(exclude=True)] = ()
    """Not part of what is evaluated, so neither of the hash."""

    @model_validator(mode="after")
    def _name_once(self) -> "Suite":
        for what, names in (
            ("group", [group.name for group in self.groups]),
            ("variant", [variant.name for variant in self.variants]),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"{what} `{twice[0]}` is given twice")
        return self

    @property
    def sha256(self) -> str:
        """Hash of what is evaluated, and of what is stated of it."""
        return sha256_of_json(self.model_dump(mode="json", by_alias=True))

    def offers(self, name: str) -> bool:
        """Tell whether `variant` returns a suite for a name."""
        found = {variant.name: variant.protocol for variant in self.variants}
        return found[name] is not None if name in found else name in protocols.REGISTRY.names()

    def variant(self, name: str) -> "Suite":
        """Return the suite with a variant's protocol, or with any other one as it is by default: `SUITE@NAME`.

        Raises:
            UnknownNameError: When there is neither a variant nor a protocol of that name.
            UsageError: When no protocol here draws a variant's prompts.
        """
        found = {variant.name: variant for variant in self.variants}
        if name not in found:
            known = protocols.REGISTRY.names()
            if name in known:
                return self._prompted_by(name)
            variants = f"; variants: {', '.join(found) or 'none'}; protocols: bench list protocols"
            hint = nearest(name, [*found, *known]) or variants
            raise UnknownNameError(f"suite `{self.name}` has no variant `{name}`, and no protocol is called so{hint}")
        chosen = found[name]
        if chosen.protocol is None:
            raise UsageError(f"`{self.name}@{name}` cannot be run here: {chosen.lacks}")
        return self.model_copy(
            update={"name": f"{self.name}@{name}", "description": chosen.description, "protocol": chosen.protocol}
            | {"source": chosen.source, "variants": ()}
        )

    def _prompted_by(self, name: str) -> "Suite":
        """Return the suite with a protocol's default parameters, and as many seeds as it has."""
        chosen = ProtocolChoice(name=name, version=protocols.REGISTRY.load(name).version, seeds=self.protocol.seeds)
        description = f"The masks of the suite {self.name}, prompted by {name} with its default parameters."
        return self.model_copy(
            update={"name": f"{self.name}@{name}", "description": description, "protocol": chosen, "variants": ()}
        )


def datasets_named(suite: Suite) -> Iterator[tuple[Group, str, str | None]]:
    """Yield group, dataset (or a pattern of them) and split (or None) for every dataset word of a suite."""
    for group in suite.groups:
        for word in group.datasets:
            dataset, _, split = word.partition(":")
            yield group, dataset, split or None


def is_pattern(word: str) -> bool:
    """Tell whether a word stands for several."""
    return bool(set(word) & set("*?["))


def _stated(name: str, seen: tuple[str, ...], unseen: tuple[str, ...]) -> Answer | None:
    if name in seen:
        return "seen"
    return "unseen" if name in unseen else None
