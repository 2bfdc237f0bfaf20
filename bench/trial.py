"""One image, all its targets: open the model, prompt it step by step, score what it answers."""

import hashlib
import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from bench import metrics, protocols
from bench.answers import MODEL_ERRORS, answers, status_of
from bench.errors import UnsupportedError
from bench.models import AnyModel
from bench.models.base import ReferenceModel, Session
from bench.protocols import PromptProtocol
from bench.protocols.key import Key
from bench.records import Prompts
from bench.schema import FURTHER, MEASURED, SCORED
from bench.suite import Suite, Unit
from curate import volume
from curate.geometry import Geometry
from curate.labelmap import BoxMask, extract
from curate.volume import Volume

T = TypeVar("T")
Row = dict[str, Any]
Keep = Callable[[Unit, int, Mapping[str, BoxMask]], None]
"""Called with the unit, a scored step and the predictions by mask_id, to store them."""

_MIB = 1024 if sys.platform.startswith("linux") else 1024**2
"""What `ru_maxrss` counts in a MiB: kilobytes on Linux, bytes on macOS."""


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """One target of the trial."""

    mask_id: str
    reference: BoxMask
    slug: str
    """What it is, in the words of the vocabulary; told only to models that are to be told."""
    kind: str
    """organ, lesion, vessel, ...: says which further metrics it has."""

    @property
    def key(self) -> str:
        """What a model knows the target by: the same wherever and whenever it is asked, and telling nothing of it."""
        return hashlib.sha256(self.mask_id.encode()).hexdigest()[:16]


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
        For each mask and scored step, the columns of scores from `protocol` on, `mask_id` and `reference_voxels`.

    Raises:
        ReadError: When the image or a label map cannot be read.
    """
    trial = _Trial(unit, suite, protocol_of(suite), keep)
    image, targets = read_unit(unit, store)
    try:
        trial.check_support(model, image.geometry)
        session, seconds_encode = _timed(lambda: _open(model, image, targets))
    except MODEL_ERRORS as error:
        return [row for target in targets for row in trial.failed(target, error)]
    told = "target" in model.card.capabilities.prompts
    return trial.run(session, [_start(target, told=told) for target in targets], image.geometry, seconds_encode)


def lost(unit: Unit, suite: Suite, error: BaseException) -> list[Row]:
    """Return the rows of a unit that could not even be read, or whose worker was lost."""
    trial = _Trial(unit, suite, protocol_of(suite), keep=None)
    nothing = BoxMask((1, 1, 1), (0, 0, 0, 0, 0, 0), np.zeros((0, 0, 0), dtype=np.bool_))
    return [
        {**row, "reference_voxels": mask["voxels"]}
        for mask in unit.masks
        for row in trial.failed(Target(mask["mask_id"], nothing, mask["target"], mask["kind"]), error)
    ]


def protocol_of(suite: Suite) -> PromptProtocol:
    """Return the protocol that a suite chooses."""
    return protocols.load(suite.protocol.name, suite.protocol.version, suite.protocol.parameters)


def read_unit(unit: Unit, store: Path) -> tuple[Volume, list[Target]]:
    """Read an image and its reference masks; sources without spacing keep their pixel grid.

    Raises:
        ReadError: When the image or a label map cannot be read.
    """
    image = volume.read(store / unit.image["path"])
    affine = np.array(unit.image["affine"]).reshape(4, 4)
    grid = Geometry(image.geometry.shape_ijk, affine, "pixel" if unit.image["spacing_mm"] is None else "mm")
    labels = {path: volume.read(store / path).voxels for path in sorted({mask["path"] for mask in unit.masks})}
    return Volume(image.voxels, grid), [_target(mask, labels[mask["path"]]) for mask in unit.masks]


def _target(mask: Mapping[str, Any], labels: NDArray[Any]) -> Target:
    reference = extract(labels, mask["label_values"], tuple(mask["bbox_ijk"]))
    return Target(mask["mask_id"], reference, mask["target"], mask["kind"])


def tolerance(suite: Suite, geometry: Geometry) -> float:
    """Return the suite's tolerance in the unit of the image's grid."""
    return suite.metrics.nsd_tolerance_mm if geometry.unit == "mm" else suite.metrics.nsd_tolerance_pixels


@dataclass(slots=True, eq=False)
class _State:
    """One target on its way through the steps."""

    target: Target
    prompts: Prompts
    prediction: BoxMask | None = None
    seconds_prompt: float = 0.0


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

    def run(self, session: Session, states: list[_State], geometry: Geometry, seconds_encode: float) -> list[Row]:
        """Prompt all targets step by step; a target that fails drops out, the others go on."""
        rows: list[Row] = []
        for step in range(1, self.protocol.scored_steps[-1] + 1):
            states = [state for state in states if self._shown(state, step, rows)]
            asked = answers(session, [state.prompts for state in states], geometry.shape_ijk)
            for state, answer in zip(states, asked, strict=True):
                state.prediction = answer.mask
                if answer.error is not None:
                    rows += self.failed(state.target, answer.error, from_step=step, prompts=state.prompts)
                elif answer.mask is not None and step in self.protocol.scored_steps:
                    seconds = (seconds_encode, state.seconds_prompt, answer.seconds)
                    rows.append(self._scored(state, answer.mask, geometry, step, seconds))
            states = [state for state in states if state.prediction is not None]
            if not states:
                break
            if self.keep is not None and step in self.protocol.scored_steps:
                self.keep(self.unit, step, {one.target.mask_id: one.prediction for one in states if one.prediction})
        return rows

    def failed(
        self,
        target: Target,
        error: BaseException,
        *,
        from_step: int = 1,
        prompts: Prompts | None = None,
        status: str | None = None,
    ) -> list[Row]:
        """Return the rows of a target from a step on, with the status of an error (or the one given), no scores."""
        found, detail = status_of(error)
        blank: Row = {column.name: None for column in (*SCORED, *FURTHER, *MEASURED)}
        shown = prompts or Prompts(target.key)
        steps = [step for step in self.protocol.scored_steps if step >= from_step]
        return [{**self._row(target, step, shown, status or found, detail), **blank} for step in steps]

    def _shown(self, state: _State, step: int, rows: list[Row]) -> bool:
        """Draw the next prompt; a mask to which the protocol cannot be applied gets rows that say so."""
        image, before = self.unit.image, state.prompts
        what = state.target.mask_id.removeprefix(f"{image['image_id']}#")
        name, version, spacing = (
            self.protocol.name,
            self.protocol.version,
            tuple(image["spacing_mm"] or (1.0, 1.0, 1.0)),
        )
        key = Key(name, version, image["dataset"], image["image_id"], what, step, spacing=spacing)
        try:
            state.prompts, state.seconds_prompt = _timed(
                lambda: self.protocol.prompt(state.target.reference, state.prediction, before, key)
            )
        except Exception as error:  # noqa: BLE001, whatever a protocol raises concerns this mask alone
            rows += self.failed(state.target, error, from_step=step, prompts=before, status="not_applicable")
            return False
        return True

    def _scored(
        self, state: _State, prediction: BoxMask, geometry: Geometry, step: int, seconds: tuple[float, float, float]
    ) -> Row:
        row = self._row(state.target, step, state.prompts, "ok", None)
        limit = tolerance(self.suite, geometry)
        scores = metrics.score_in_full(state.target.reference, prediction, geometry, limit, state.target.kind)
        names = ("seconds_encode", "seconds_prompt", "seconds_predict")
        return {
            **row,
            **scores,
            "grid": "native",
            **dict(zip(names, seconds, strict=True)),
            "peak_memory_mb": _peak_memory_mb(),
        }

    def _row(self, target: Target, step: int, shown: Prompts, status: str, detail: str | None) -> Row:
        return {
            "mask_id": target.mask_id,
            "reference_voxels": target.reference.count,
            "protocol": f"{self.protocol.name}@{self.protocol.version}",
            "protocol_hash": protocols.sha256(self.protocol),
            "seed": 0,
            "step": step,
            "n_points": len(shown.labels),
            "n_actions": self.protocol.actions(shown),
            "status": status,
            "detail": detail,
        }


def _start(target: Target, *, told: bool) -> _State:
    """Return a target before its first prompt; a model that is to be told gets its slug."""
    return _State(target, Prompts(target.key, target=target.slug if told else None))


def _open(model: AnyModel, image: Volume, targets: Sequence[Target]) -> Session:
    if isinstance(model, ReferenceModel):
        return model.open_with_references(image, {target.key: target.reference for target in targets})
    return model.open(image)


def _timed(call: Callable[[], T]) -> tuple[T, float]:
    start = time.perf_counter()
    result = call()
    return result, time.perf_counter() - start


def _peak_memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _MIB
