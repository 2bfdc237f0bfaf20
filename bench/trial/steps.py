"""The targets of one image on their way through the steps of a protocol: shown, asked, scored."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from functools import partial

from bench.answers import answers
from bench.models.base import Session
from bench.protocols.key import Key
from bench.records import Prompts
from bench.suite import Suite, Unit
from bench.trial.measuring import peak_memory_mb, timed
from bench.trial.reading import Target
from bench.trial.rows import Row, Rows, Unscored
from bench.trial.scoring import Scores, require_voxels, scores_of
from curate.geometry import Geometry
from curate.labelmap import BoxMask

Keep = Callable[[Unit, int, Mapping[str, BoxMask], Mapping[str, Prompts], int], None]
"""Called with the unit, a scored step, predictions and prompts by mask_id, and the seed, to store them."""


@dataclass(slots=True, eq=False)
class State:
    """How far one target is."""

    target: Target
    prompts: Prompts
    news: bool = True
    """Whether this step showed what the model has not been asked about."""
    prediction: BoxMask | None = None
    answered_at: int = 0
    """Step of the prediction."""
    scores: Future[Scores] | None = None
    """Of the prediction; None until they are asked for."""
    seconds_prompt: float = 0.0
    seconds_predict: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """What stays the same through the steps."""

    unit: Unit
    suite: Suite
    rows: Rows
    session: Session
    geometry: Geometry
    seconds_encode: float
    keep: Keep | None
    scorer: Executor
    """Computes scores while the model goes on: the next prompt needs the prediction, not its scores."""
    keeping: list[Callable[[], None]]
    """Calls of `keep`, for when the model is no longer needed."""

    def run(self, states: Sequence[State]) -> list[Row | Unscored]:
        """Prompt all targets step by step; a target that fails drops out, the others go on."""
        scored_steps = self.rows.protocol.scored_steps
        found: list[Row | Unscored] = []
        states = [state for state in states if self._scorable(state, found)]
        for step in range(1, scored_steps[-1] + 1):
            states = [state for state in states if self._shown(state, step, found)]
            self._ask([state for state in states if state.news], step, found)
            states = [state for state in states if state.prediction is not None]
            if not states:
                break
            if step in scored_steps:
                found += [self._scored(state, step) for state in states]
                self._kept(states, step)
        return found

    def _scorable(self, state: State, found: list[Row | Unscored]) -> bool:
        """Leave out a mask that the grid of the scores does not show; its rows say so."""
        try:
            require_voxels(state.target.reference, self.geometry, self.suite)
        except ValueError as error:
            found += self.rows.failed(state.target, error, status="not_applicable")
            return False
        return True

    def _shown(self, state: State, step: int, found: list[Row | Unscored]) -> bool:
        """Draw the next prompt; a mask to which the protocol cannot be applied gets rows that say so."""
        before, protocol = state.prompts, self.rows.protocol
        key = self._key(state.target, step)
        try:
            state.prompts, state.seconds_prompt = timed(
                lambda: protocol.prompt(state.target.reference, state.prediction, before, key)
            )
        except Exception as error:  # noqa: BLE001, whatever a protocol raises concerns this mask alone
            found += self.rows.failed(state.target, error, from_step=step, prompts=before, status="not_applicable")
            return False
        state.news = state.prediction is None or state.prompts is not before
        return True

    def _ask(self, states: Sequence[State], step: int, found: list[Row | Unscored]) -> None:
        """Ask the model about the targets of which it was shown more; a target without an answer gets failed rows."""
        if not states:
            return
        asked = answers(self.session, [state.prompts for state in states], self.geometry.shape_ijk)
        for state, answer in zip(states, asked, strict=True):
            state.prediction, state.scores, state.answered_at = answer.mask, None, step
            state.seconds_predict = answer.seconds
            if answer.error is not None:
                found += self.rows.failed(state.target, answer.error, from_step=step, prompts=state.prompts)

    def _scored(self, state: State, step: int) -> Row | Unscored:
        """Return the row of a step; with the standing prediction where nothing was shown."""
        if state.prediction is not None and state.scores is None:
            reference, kind = state.target.reference, state.target.kind
            state.scores = self.scorer.submit(scores_of, reference, state.prediction, self.geometry, self.suite, kind)
        detail = None if state.news else f"nothing further was shown; the prediction of step {state.answered_at} stands"
        row = {
            **self.rows.row(state.target, step, state.prompts, "ok", detail),
            "seconds_encode": self.seconds_encode,
            "seconds_prompt": state.seconds_prompt,
            "seconds_predict": state.seconds_predict if state.news else None,
            "peak_memory_mb": peak_memory_mb(self.session),
        }
        return row if state.scores is None else Unscored(row, state.scores)

    def _kept(self, states: Sequence[State], step: int) -> None:
        """Note what was shown and answered, where it is kept."""
        if self.keep is not None:
            predictions = {one.target.mask_id: one.prediction for one in states if one.prediction is not None}
            prompts = {one.target.mask_id: one.prompts for one in states}
            seed = states[0].target.seed
            self.keeping.append(partial(self.keep, self.unit, step, predictions, prompts, seed))

    def _key(self, target: Target, step: int) -> Key:
        """Name the draw of one step."""
        image, protocol = self.unit.image, self.rows.protocol
        what = target.mask_id.removeprefix(f"{image['image_id']}#")
        spacing = tuple(image["spacing_mm"] or (1.0, 1.0, 1.0))
        return Key(
            *(protocol.name, protocol.version, image["dataset"], image["image_id"], what, step, target.seed),
            spacing=spacing,
        )
