"""A model and its open image, in the process that they have for themselves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench import models
from bench.answers import MODEL_ERRORS
from bench.models.base import ModelCard, ReferenceModel, as_mask
from bench.models.choice import Choice
from bench.records import Prompts
from bench.runner.replies import Raised
from curate.labelmap import BoxMask
from curate.volume import Volume


@dataclass(frozen=True, slots=True)
class Introduction:
    """What a model says of itself before it is asked for anything."""

    card: ModelCard
    weights_sha256: str | None
    sees_reference: bool


class Served:
    """Answers the requests `load`, `open`, `predict` and `predict_many`; holds one image at a time.

    Args:
        choice: The model.
    """

    def __init__(self, choice: Choice) -> None:
        self._choice = choice
        self._model: Any = None
        self._session: Any = None
        self._shape_ijk = (0, 0, 0)

    def load(self) -> Introduction:
        """Make the model.

        Raises:
            UsageError: When it cannot be made.
        """
        model = models.make(self._choice)
        self._model = model
        digest = getattr(model, "weights_sha256", None)
        return Introduction(model.card, None if digest is None else str(digest), isinstance(model, ReferenceModel))

    def open(self, image: Volume, references: Mapping[str, BoxMask] | None) -> bool:
        """Open an image in the place of the one before; return whether several targets can be asked for at once."""
        self._session = None
        self._shape_ijk = image.geometry.shape_ijk
        if references is None:
            self._session = self._model.open(image)
        else:
            self._session = self._model.open_with_references(image, references)
        return getattr(self._session, "predict_many", None) is not None

    def predict(self, prompts: Prompts) -> BoxMask:
        """Segment one target; what is no mask raises here as it would beside the trial."""
        return as_mask(self._session.predict(prompts), self._shape_ijk)

    def predict_many(self, prompts: Sequence[Prompts]) -> list[BoxMask | Raised]:
        """Segment several targets; an answer that is no mask is the error of its target alone."""
        return [self._mask(answer) for answer in self._session.predict_many(list(prompts))]

    def _mask(self, answer: Any) -> BoxMask | Raised:
        try:
            return as_mask(answer, self._shape_ijk)
        except MODEL_ERRORS as error:
            return Raised.of(error)
