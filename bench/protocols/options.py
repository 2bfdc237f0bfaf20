"""From a suite's words to a protocol: strict, and every option that changes meaning is written into the hash."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, ValidationError

from bench.protocols.key import Key
from bench.records import Prompts
from curate.errors import UsageError
from curate.labelmap import BoxMask
from curate.plugins import StrictModel

AxisName = Literal["i", "j", "k"]
"""Axis across the slices on which a user works."""
Unit = Literal["voxels", "mm"]
"""What distances are measured in; images without spacing are measured in pixels."""


def _ascending(steps: tuple[int, ...]) -> tuple[int, ...]:
    if not steps or steps[0] < 1 or any(a >= b for a, b in pairwise(steps)):
        raise ValueError("must be ascending steps from 1")
    return steps


Steps = Annotated[tuple[Annotated[int, Field(strict=True)], ...], AfterValidator(_ascending)]
"""Steps after which the prediction is scored; the last one ends the trial."""


class _Kinds:
    """Kinds of prompt: of an object those that its options choose, of a class those that its defaults choose."""

    def __get__(self, protocol: "Parametric | None", owner: "type[Parametric]") -> frozenset[str]:
        return frozenset((owner() if protocol is None else protocol).shown_kinds)


class Parametric(StrictModel, ABC):
    """A protocol whose parameters are its fields; every field has a default."""

    name: ClassVar[str]
    version: ClassVar[int] = 1
    kinds: ClassVar[Any] = _Kinds()

    @classmethod
    def create(cls, version: int, parameters: Mapping[str, Any]) -> Self:
        """Make the protocol from a suite's words.

        Raises:
            UsageError: For another version, or parameters that are unknown or cannot be meant.
        """
        if version != cls.version:
            raise UsageError(f"protocol {cls.name} has version {cls.version} here, the suite asks for {version}")
        unknown = sorted(set(parameters) - set(cls.model_fields))
        if unknown:
            known = ", ".join(f"`{name}`" for name in cls.model_fields) or "no parameters"
            raise UsageError(f"protocol {cls.name} takes {known}; found `{unknown[0]}`")
        try:
            return cls.model_validate(dict(parameters))
        except ValidationError as error:
            problem = error.errors(include_url=False)[0]
            what = problem["msg"].removeprefix("Value error, ")
            where = ".".join(str(part) for part in problem["loc"])
            raise UsageError(f"protocol {cls.name}: {where}: {what}, found {problem['input']!r:.80}") from error

    @property
    def parameters(self) -> dict[str, Any]:
        """Every option, as JSON."""
        return self.model_dump(mode="json")

    @property
    @abstractmethod
    def shown_kinds(self) -> set[str]:
        """Kinds of prompt that it shows."""

    @property
    def scored_steps(self) -> tuple[int, ...]:
        """One step, unless a protocol has more."""
        return (1,)

    @abstractmethod
    def prompt(self, reference: BoxMask, prediction: BoxMask | None, history: Prompts, key: Key) -> Prompts:
        """Return the history and what is shown at step `key.step`; the history itself where nothing is added.

        Raises:
            ValueError: Where the protocol cannot be applied, an empty reference for one.
        """

    def actions(self, prompts: Prompts) -> int:
        """Return what these prompts cost a user; docs/protocols.md says what an action is."""
        return prompts.n_actions


def require_target(reference: BoxMask) -> None:
    """Refuse an empty reference.

    Raises:
        ValueError: There is nothing to show.
    """
    if reference.count == 0:
        raise ValueError("the reference is empty: there is no foreground to show")


def spacing_in(unit: Unit, key: Key) -> tuple[float, float, float]:
    """Return the spacing that distances are measured with.

    Raises:
        ValueError: For distances in mm on a grid whose spacing the key does not tell.
    """
    if unit == "voxels":
        return 1.0, 1.0, 1.0
    if key.spacing is None:
        raise ValueError("distances in mm need the image's spacing, which was not given")
    return key.spacing
