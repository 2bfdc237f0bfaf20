"""A model under test, how it is asked, and what may be found wrong with it."""

import gc
import tracemalloc
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

from bench.answers import answers
from bench.conformance.phantoms import KEYS, OUTSIDE, SMALL, Form, Phantom, form_for
from bench.models import AnyModel
from bench.models.base import ReferenceModel, Session
from bench.records import Prompts
from curate.labelmap import BoxMask
from curate.volume import Volume

Result = Literal["pass", "warn", "fail", "left out"]
"""A warning is about what may be meant so; what was left out could not be checked, or not in time."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found wrong, or why it could not look."""

    detail: str
    result: Result = "fail"


@dataclass(frozen=True, slots=True)
class Visit:
    """An image that was opened, asked about once, and left."""

    voxels: "weakref.ref[Any]"
    nbytes: int
    shape_ijk: tuple[int, int, int]
    traced_bytes: int
    """Memory of Python and NumPy in use after it."""


@dataclass(frozen=True, eq=False)
class Checked:
    """A model, a phantom that its card says it takes, and the sessions that the checks share.

    A large network needs seconds for every image, so that few sessions answer many questions. The order of the first
    calls matters and is kept here: a session that has answered a prompt may remember the answer.
    """

    model: AnyModel
    phantom: Phantom
    visits: list[Visit] = field(default_factory=list)

    @property
    def takes(self) -> frozenset[str]:
        """Kinds of prompt that the model takes."""
        return self.model.card.capabilities.prompts

    @property
    def form(self) -> Form:
        """The form of the phantoms."""
        return form_for(self.model.card.capabilities.dimensions)

    @cached_property
    def image(self) -> Volume:
        """The image of `session`."""
        return self.copied_image()

    @cached_property
    def _together(self) -> tuple[Session, dict[str, BoxMask]]:
        session = self.open(self.image)
        return session, dict(zip(KEYS, self.ask(session, *map(self.prompts, KEYS)), strict=True))

    @cached_property
    def _alone(self) -> tuple[Session, BoxMask]:
        session = self.open()
        return session, self.ask(session, self.prompts(SMALL))[0]

    @property
    def session(self) -> Session:
        """A session that was asked for all targets in its first call; made when first needed, as are the others."""
        return self._together[0]

    @property
    def together(self) -> dict[str, BoxMask]:
        """The answers to that call, by key."""
        return self._together[1]

    @property
    def other_session(self) -> Session:
        """A session that was asked for the small target alone in its first call."""
        return self._alone[0]

    @property
    def alone(self) -> BoxMask:
        """The answer to that call."""
        return self._alone[1]

    def on(self, phantom: Phantom) -> "Checked":
        """Return the same model on another phantom."""
        return replace(self, phantom=phantom)

    def prompts(self, key: str) -> Prompts:
        """Return prompts of all kinds that the model takes."""
        return self.phantom.prompts(self.model.card.capabilities, key)

    def more(self, key: str) -> Prompts:
        """Return what is shown next: one point more, outside, or to models without points a box one voxel wider."""
        start = self.prompts(key)
        if "points" in self.takes:
            return start.with_point(OUTSIDE, 0)
        return start if start.box is None else replace(start, box=self.phantom.wider(start.box))

    def open(self, image: Volume | None = None) -> Session:
        """Open the model on an image: a copy of the phantom's, if none is given."""
        image = self.copied_image() if image is None else image
        if isinstance(self.model, ReferenceModel):
            return self.model.open_with_references(image, self.phantom.targets)
        return self.model.open(image)

    def copied_image(self) -> Volume:
        """Return the phantom's image in memory of its own."""
        return Volume(self.phantom.image.voxels.copy(), self.phantom.image.geometry)

    def ask(self, session: Session, *prompts: Prompts) -> list[BoxMask]:
        """Return the answers to some prompts, or raise the first error among them."""
        found = answers(session, prompts, self.phantom.image.geometry.shape_ijk)
        for answer in found:
            if answer.error is not None:
                raise answer.error
        return [answer.mask for answer in found if answer.mask is not None]

    def visit(self, *keys: str) -> list[BoxMask]:
        """Open the model anew, ask for targets one by one (by default for the small one), and leave."""
        found, image = self._visited(keys or (SMALL,))
        gc.collect()
        self.visits.append(Visit(*image, tracemalloc.get_traced_memory()[0]))
        return found

    def _visited(
        self, keys: Sequence[str]
    ) -> "tuple[list[BoxMask], tuple[weakref.ref[Any], int, tuple[int, int, int]]]":
        image = self.copied_image()
        session = self.open(image)
        found = [self.ask(session, self.prompts(key))[0] for key in keys]
        return found, (weakref.ref(image.voxels), image.voxels.nbytes, image.geometry.shape_ijk)
