"""One model on one image: read, open, prompt each target as often as the suite says; an error is a row."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from bench.answers import MODEL_ERRORS
from bench.errors import UnsupportedError
from bench.models import AnyModel
from bench.models.base import ReferenceModel, Session
from bench.protocols import PromptProtocol
from bench.records import Prompts
from bench.suite import Suite, Unit
from bench.trial.measuring import timed
from bench.trial.reading import Target, read_unit
from bench.trial.rows import Row, Rows, Unscored
from bench.trial.steps import Keep, State, Trial
from curate.geometry import Geometry
from curate.labelmap import BoxMask
from curate.volume import Volume


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What a model was asked for and answered; scores are on their way, and nothing of it is kept yet."""

    rows: Sequence[Row | Unscored]
    keeping: Sequence[Callable[[], None]] = ()


def evaluate(unit: Unit, suite: Suite, model: AnyModel, store: Path, keep: Keep | None = None) -> list[Row]:
    """Run one model on one image and all its targets: read, ask, finish.

    Nothing that a model does stops the run: an error becomes a status of the rows that it concerns.

    Args:
        unit: Image and masks.
        suite: Protocol, seeds and metrics.
        model: The model; it is opened once, whatever the number of seeds.
        store: Root of the store.
        keep: Where predictions and prompts go, if they are kept.

    Returns:
        For each mask, seed and scored step, the columns of scores from `protocol` on, `mask_id` and `reference_voxels`.

    Raises:
        ReadError: When the image or a label map cannot be read.
    """
    with ThreadPoolExecutor(1) as scorer:
        return finish(ask(unit, suite, model, read_unit(unit, store), keep, scorer))


def ask(
    unit: Unit, suite: Suite, model: AnyModel, read: tuple[Volume, list[Target]], keep: Keep | None, scorer: Executor
) -> Asked:
    """Ask a model for all targets of an image that has been read; the only part of `evaluate` that needs the model.

    Args:
        unit: As in `evaluate`, like `suite`, `model` and `keep`.
        suite: See there.
        model: See there.
        read: From `read_unit`.
        keep: See there.
        scorer: Computes scores while the model is asked for more.
    """
    rows, (image, targets) = Rows(protocol_of(suite)), read
    trials = [[replace(target, seed=seed) for target in targets] for seed in range(suite.protocol.seeds)]
    tried = [target for targets in trials for target in targets]
    try:
        _check_support(model, image.geometry, rows.protocol)
        session, seconds_encode = timed(lambda: _open(model, image, tried))
    except MODEL_ERRORS as error:
        return Asked([row for target in tried for row in rows.failed(target, error)])
    trial = Trial(unit, suite, rows, session, image.geometry, seconds_encode, keep, scorer, [])
    told = "target" in model.card.capabilities.prompts
    found = [row for targets in trials for row in trial.run([_start(target, told=told) for target in targets])]
    return Asked(found, trial.keeping)


def finish(asked: Asked) -> list[Row]:
    """Wait for the scores, and keep what is to be kept.

    Raises:
        StoreError: When it cannot be written.
    """
    rows = [row.whole() if isinstance(row, Unscored) else row for row in asked.rows]
    for keep in asked.keeping:
        keep()
    return rows


def lost(unit: Unit, suite: Suite, error: BaseException) -> list[Row]:
    """Return the rows of a unit that could not even be read, or whose worker was lost."""
    rows = Rows(protocol_of(suite))
    nothing = BoxMask.empty((1, 1, 1))
    return [
        {**row, "reference_voxels": mask["voxels"]}
        for mask in unit.masks
        for seed in range(suite.protocol.seeds)
        for row in rows.failed(Target(mask["mask_id"], nothing, mask["target"], mask["kind"], seed), error)
    ]


def protocol_of(suite: Suite) -> PromptProtocol:
    """Return the protocol that a suite chooses, with its frozen first prompts."""
    return suite.protocol.load()


def expected(suite: Suite) -> frozenset[tuple[int, int]]:
    """Return every (seed, scored step) of a suite: what a finished mask has a row for."""
    steps = suite.protocol.drawing().scored_steps
    return frozenset((seed, step) for seed in range(suite.protocol.seeds) for step in steps)


def _check_support(model: AnyModel, geometry: Geometry, protocol: PromptProtocol) -> None:
    """Refuse images and prompts that the model's card does not list.

    Raises:
        UnsupportedError: With what is not supported.
    """
    card, dimension = model.card, 2 if geometry.is_2d else 3
    if dimension not in card.capabilities.dimensions:
        raise UnsupportedError(f"{card.name} takes no {dimension}D images")
    lacking = sorted(protocol.kinds - card.capabilities.prompts)
    if lacking:
        instead = "; it is told its targets: run SUITE@automatic" if card.capabilities.prompts == {"target"} else ""
        raise UnsupportedError(f"{card.name} takes no {lacking[0]}{instead}")


def _open(model: AnyModel, image: Volume, targets: Sequence[Target]) -> Session:
    if isinstance(model, ReferenceModel):
        return model.open_with_references(image, {target.key: target.reference for target in targets})
    return model.open(image)


def _start(target: Target, *, told: bool) -> State:
    """Return a target before its first prompt; a model that is to be told gets its slug."""
    return State(target, Prompts(target.key, target=target.slug if told else None))
