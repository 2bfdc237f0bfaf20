"""One image, all its targets: open the model, prompt it step by step, score what it answers."""

import resource
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from bench import metrics, protocols
from bench.errors import UnsupportedError
from bench.models import AnyModel
from bench.models.base import ReferenceModel, Session, ask
from bench.protocols import PromptProtocol
from bench.protocols.key import Key
from bench.records import Prompts
from bench.schema import MEASURED, SCORED
from bench.suite import Suite, Unit
from curate import volume
from curate.geometry import Geometry
from curate.labelmap import BoxMask, extract
from curate.volume import Volume

T = TypeVar("T")
Row = dict[str, Any]
Keep = Callable[[Unit, int, Mapping[str, BoxMask]], None]
"""Called with the unit, a scored step and the predictions by mask_id, to store them."""

_NOTHING = BoxMask((1, 1, 1), (0, 0, 0, 0, 0, 0), np.zeros((0, 0, 0), dtype=np.bool_))


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """One target of the trial."""

    mask_id: str
    reference: BoxMask


def evaluate(unit: Unit, suite: Suite, model: AnyModel, store: Path, keep: Keep | None = None) -> list[Row]:
    """Run one model on one image and all its targets.

    Nothing that a model does stops the run: an error becomes a status of the rows that it concerns.

    Args:
        unit: Image and masks.
        suite: Protocol and metrics.
        model: The model.
        store: Root of the store.
        keep: Where predictions go, if they are kept.

    Returns:
        For each mask and scored step, the columns of scores from `protocol` on, and `mask_id`.
    """
    trial = _Trial(unit, suite, protocol_of(suite), keep)
    image, targets = read_unit(unit, store)
    try:
        trial.check_support(model, image.geometry)
        session, seconds_encode = _timed(lambda: _open(model, image, targets))
    except Exception as error:  # noqa: BLE001, whatever a model raises becomes a status
        return [row for target in targets for row in trial.failed(target, error, from_step=1)]
    return trial.run(session, targets, image.geometry, seconds_encode)


def lost(unit: Unit, suite: Suite, error: BaseException) -> list[Row]:
    """Return the rows of a unit that could not even be read, or whose worker was lost."""
    trial = _Trial(unit, suite, protocol_of(suite), keep=None)
    return [
        {**row, "reference_voxels": mask["voxels"]}
        for mask in unit.masks
        for row in trial.failed(Target(mask["mask_id"], _NOTHING), error, from_step=1)
    ]


def protocol_of(suite: Suite) -> PromptProtocol:
    """Return the protocol that a suite chooses."""
    return protocols.load(suite.protocol.name, suite.protocol.version, suite.protocol.parameters)


def read_unit(unit: Unit, store: Path) -> tuple[Volume, list[Target]]:
    """Read an image and its reference masks; sources without spacing keep their pixel grid."""
    image = volume.read(store / unit.image["path"])
    affine = np.array(unit.image["affine"]).reshape(4, 4)
    grid = Geometry(image.geometry.shape_ijk, affine, "pixel" if unit.image["spacing_mm"] is None else "mm")
    labels = {path: volume.read(store / path).voxels for path in sorted({mask["path"] for mask in unit.masks})}
    targets = [
        Target(mask["mask_id"], extract(labels[mask["path"]], mask["label_values"], tuple(mask["bbox_ijk"])))
        for mask in unit.masks
    ]
    return Volume(image.voxels, grid), targets


@dataclass(frozen=True, slots=True, eq=False)
class _Trial:
    """What stays the same through the steps of one unit."""

    unit: Unit
    suite: Suite
    protocol: PromptProtocol
    keep: Keep | None

    def check_support(self, model: AnyModel, geometry: Geometry) -> None:
        """Refuse images and prompts that the model's card does not list.

        Raises:
            UnsupportedError: With what is not supported.
        """
        card, dimension = model.card, 2 if geometry.is_2d else 3
        if dimension not in card.capabilities.dimensions:
            raise UnsupportedError(f"{card.name} takes no {dimension}D images")
        lacking = sorted(self.protocol.kinds - card.capabilities.prompts)
        if lacking:
            raise UnsupportedError(f"{card.name} takes no {lacking[0]}")

    def run(self, session: Session, targets: Sequence[Target], geometry: Geometry, seconds_encode: float) -> list[Row]:
        """Prompt all targets step by step; a target that fails drops out, the others go on."""
        rows: list[Row] = []
        states = [_State(target, Prompts(target.mask_id)) for target in targets]
        for step in range(1, self.protocol.scored_steps[-1] + 1):
            for state in states:
                self._show_next(state, step)
            shown = [state.prompts for state in states]
            answers, seconds_predict = _timed(lambda shown=shown: _answers(session, shown, geometry))  # type: ignore[misc]
            for state, answer in zip(states, answers, strict=True):
                if isinstance(answer, Exception):
                    rows += self.failed(state.target, answer, from_step=step, prompts=state.prompts)
                    state.prediction = None
                    continue
                state.prediction = answer
                if step in self.protocol.scored_steps:
                    seconds = (seconds_encode, state.seconds_prompt, seconds_predict / len(states))
                    rows.append(self._scored(state, geometry, step, seconds))
            states = [state for state in states if state.prediction is not None]
            if not states:
                break
            if self.keep is not None and step in self.protocol.scored_steps:
                self.keep(self.unit, step, {one.target.mask_id: one.prediction for one in states if one.prediction})
        return rows

    def failed(
        self, target: Target, error: BaseException, *, from_step: int, prompts: Prompts | None = None
    ) -> list[Row]:
        """Return the rows of a target from a step on, with the status of an error and no scores."""
        status, detail = status_of(error)
        blank: Row = {column.name: None for column in (*SCORED, *MEASURED)}
        shown = prompts or Prompts(target.mask_id)
        steps = [step for step in self.protocol.scored_steps if step >= from_step]
        return [{**self._row(target, step, shown, status, detail), **blank} for step in steps]

    def _show_next(self, state: "_State", step: int) -> None:
        image = self.unit.image
        what = state.target.mask_id.removeprefix(f"{image['image_id']}#")
        key = Key(self.protocol.name, self.protocol.version, image["dataset"], image["image_id"], what, step)
        shown = state.prompts
        state.prompts, state.seconds_prompt = _timed(
            lambda: self.protocol.prompt(state.target.reference, state.prediction, shown, key)
        )

    def _scored(self, state: "_State", geometry: Geometry, step: int, seconds: tuple[float, float, float]) -> Row:
        prediction = state.prediction
        if prediction is None:
            raise ValueError(f"{state.target.mask_id} has no prediction at step {step}")
        row = self._row(state.target, step, state.prompts, "ok", None)
        scores = metrics.score(state.target.reference, prediction, geometry, tolerance(self.suite, geometry))
        names = ("seconds_encode", "seconds_prompt", "seconds_predict")
        return {**row, **scores, **dict(zip(names, seconds, strict=True)), "peak_memory_mb": _peak_memory_mb()}

    def _row(self, target: Target, step: int, shown: Prompts, status: str, detail: str | None) -> Row:
        return {
            "mask_id": target.mask_id,
            "reference_voxels": target.reference.count,
            "protocol": f"{self.protocol.name}@{self.protocol.version}",
            "protocol_hash": protocols.sha256(self.protocol),
            "step": step,
            "n_points": len(shown.labels),
            "n_actions": self.protocol.actions(shown),
            "status": status,
            "detail": detail,
        }


@dataclass(slots=True, eq=False)
class _State:
    """One target on its way through the steps."""

    target: Target
    prompts: Prompts
    prediction: BoxMask | None = None
    seconds_prompt: float = 0.0


def tolerance(suite: Suite, geometry: Geometry) -> float:
    """Return the suite's tolerance in the unit of the image's grid."""
    return suite.metrics.nsd_tolerance_mm if geometry.unit == "mm" else suite.metrics.nsd_tolerance_pixels


def status_of(error: BaseException) -> tuple[str, str]:
    """Return the status and detail that an error of a model becomes."""
    detail = f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]
    if isinstance(error, UnsupportedError):
        return "unsupported", str(error)
    if isinstance(error, TimeoutError):
        return "timeout", detail
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return "out_of_memory", detail
    return "failed", detail


def _open(model: AnyModel, image: Volume, targets: Sequence[Target]) -> Session:
    if isinstance(model, ReferenceModel):
        return model.open_with_references(image, {target.mask_id: target.reference for target in targets})
    return model.open(image)


def _answers(session: Session, prompts: Sequence[Prompts], geometry: Geometry) -> list[BoxMask | Exception]:
    """Ask for all targets at once; where that fails, one by one, so that one target's error is its own."""
    try:
        return [_as_mask(answer, geometry) for answer in ask(session, prompts)]
    except Exception as error:  # noqa: BLE001, whatever a model raises becomes a status
        if len(prompts) == 1:
            return [error]
    return [answer for one in prompts for answer in _answers(_OneByOne(session), [one], geometry)]


@dataclass(frozen=True, slots=True)
class _OneByOne:
    """A session without batching."""

    session: Session

    def predict(self, prompts: Prompts) -> BoxMask:
        """Ask for one target."""
        return self.session.predict(prompts)


def _as_mask(answer: Any, geometry: Geometry) -> BoxMask:
    """Take a `BoxMask`, or a full array of the image's shape; refuse anything else.

    Raises:
        ValueError: When the answer is not a mask on the image's grid.
    """
    if isinstance(answer, np.ndarray) and answer.shape == geometry.shape_ijk:
        return BoxMask.of(answer)
    if isinstance(answer, BoxMask) and answer.shape_ijk == geometry.shape_ijk:
        return answer
    found = getattr(answer, "shape_ijk", getattr(answer, "shape", type(answer).__name__))
    raise ValueError(f"the model answered with {found}, expected a mask of shape {geometry.shape_ijk}")


def _timed(call: Callable[[], T]) -> tuple[T, float]:
    start = time.perf_counter()
    result = call()
    return result, time.perf_counter() - start


def _peak_memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
