"""Protocols: named, versioned ways to simulate what a user shows a model.

A protocol is a pure function of (reference, previous prediction, history, key): any machine, worker count or order
draws the same prompts.
"""

from typing import Any, Protocol

from bench.protocols.key import Key
from bench.records import Prompts
from curate.files import sha256_of_json
from curate.labelmap import BoxMask
from curate.plugins import Registry

REGISTRY = Registry(
    kind="protocol",
    group="medseen.protocols",
    builtin={
        "automatic": "bench.protocols.automatic:Automatic",
        "box": "bench.protocols.boxes:Box",
        "box-jittered": "bench.protocols.boxes:BoxJittered",
        "box-then-clicks": "bench.protocols.boxes:BoxThenClicks",
        "cvpr25": "bench.protocols.cvpr25:Cvpr25",
        "edt-largest": "bench.protocols.edt_largest:EdtLargest",
        "key-slices": "bench.protocols.key_slices:KeySlices",
        "lasso": "bench.protocols.strokes:Lasso",
        "off-centre": "bench.protocols.edt_largest:OffCentre",
        "propagation": "bench.protocols.key_slices:Propagation",
        "random-error": "bench.protocols.random_error:RandomError",
        "ritm": "bench.protocols.ritm:Ritm",
        "scribble": "bench.protocols.strokes:Scribble",
        "slice-boxes": "bench.protocols.slice_wise:SliceBoxes",
        "slice-points": "bench.protocols.slice_wise:SlicePoints",
        "start-mask": "bench.protocols.start_mask:StartMask",
        "training-random": "bench.protocols.training_random:TrainingRandom",
    },
)


class PromptProtocol(Protocol):
    """What every protocol has."""

    @property
    def name(self) -> str:
        """What suites call it."""

    @property
    def version(self) -> int:
        """Raised by any change that can move a prompt; results of different versions are never mixed."""

    @property
    def kinds(self) -> frozenset[str]:
        """Kinds of prompt that it shows, in the words of `Prompts.kinds`."""

    @property
    def scored_steps(self) -> tuple[int, ...]:
        """Steps after which the prediction is scored, ascending; the last one ends the trial."""

    @property
    def parameters(self) -> dict[str, Any]:
        """Everything else that changes the prompts or the steps, as JSON."""

    def prompt(self, reference: BoxMask, prediction: BoxMask | None, history: Prompts, key: Key) -> Prompts:
        """Return the history and what is shown at step `key.step`; the history itself where nothing is added.

        Args:
            reference: What the user wants; never empty.
            prediction: What the model answered at the step before; None at the first step.
            history: What has been shown so far.
            key: Names the draw; every random number comes from it.
        """

    def actions(self, prompts: Prompts) -> int:
        """Return what these prompts cost a user, in actions: a click is one, `docs/protocols.md` has the others."""


def load(name: str, version: int, parameters: dict[str, Any]) -> PromptProtocol:
    """Return a protocol by name, version and parameters.

    Raises:
        UnknownNameError: When there is none of that name.
        UsageError: For another version than the one here, or for parameters that it does not take.
    """
    made: PromptProtocol = REGISTRY.load(name).create(version, parameters)
    return made


def sha256(protocol: PromptProtocol) -> str:
    """Hash name, version and parameters; stands in every row of scores."""
    return sha256_of_json([protocol.name, protocol.version, protocol.parameters])
