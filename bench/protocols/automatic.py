"""`automatic`: nothing is clicked; the model is told what to segment."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from bench.protocols.key import Key
from bench.records import Prompts
from curate.errors import UsageError
from curate.labelmap import BoxMask


@dataclass(frozen=True, slots=True)
class Automatic:
    """One step without points or boxes: for models that know their targets by name, such as nnU-Net's.

    A model that has to be shown a target instead takes no part: its rows are `unsupported`.
    """

    name: ClassVar[str] = "automatic"
    version: ClassVar[int] = 1
    kinds: ClassVar[frozenset[str]] = frozenset({"target"})

    @classmethod
    def create(cls, version: int, parameters: Mapping[str, Any]) -> "Automatic":
        """Make the protocol from a suite's words.

        Raises:
            UsageError: For another version, or any parameter.
        """
        if version != cls.version:
            raise UsageError(f"protocol {cls.name} has version {cls.version} here, the suite asks for {version}")
        if parameters:
            raise UsageError(f"protocol {cls.name} takes no parameters, found `{min(parameters)}`")
        return cls()

    @property
    def scored_steps(self) -> tuple[int, ...]:
        """The only step."""
        return (1,)

    @property
    def parameters(self) -> dict[str, Any]:
        """None."""
        return {}

    def prompt(self, reference: BoxMask, prediction: BoxMask | None, history: Prompts, key: Key) -> Prompts:
        """Return the history: what the target is called stands there from the start.

        Raises:
            ValueError: For an empty reference: as where it is clicked, there is nothing to segment.
        """
        del prediction, key
        if reference.count == 0:
            raise ValueError("the reference is empty: there is nothing to segment")
        return history

    def actions(self, prompts: Prompts) -> int:
        """Return 0: the user does nothing."""
        del prompts
        return 0
