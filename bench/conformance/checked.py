"""A model under test, how it is asked, and what may be found wrong with it."""

from dataclasses import dataclass
from functools import cached_property

from bench.answers import answers
from bench.conformance.phantoms import KEYS, Phantom
from bench.models import AnyModel
from bench.models.base import ReferenceModel, Session
from bench.records import Prompts
from curate.labelmap import BoxMask
from curate.volume import Volume


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found wrong."""

    detail: str
    fails: bool = True
    """False for what may be meant so, which is a warning."""


@dataclass(frozen=True, eq=False)
class Checked:
    """A model, and a phantom that its card says it takes."""

    model: AnyModel
    phantom: Phantom

    @property
    def takes(self) -> frozenset[str]:
        """Kinds of prompt that the model takes."""
        return self.model.card.capabilities.prompts

    def prompts(self, key: str = KEYS[0]) -> Prompts:
        """Return prompts of all kinds that the model takes."""
        return self.phantom.prompts(self.model.card.capabilities, key)

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

    def answer(self) -> BoxMask:
        """Open the model anew and return its answer to the first target."""
        return self.ask(self.open(), self.prompts())[0]

    @cached_property
    def first(self) -> tuple[BoxMask, bool]:
        """An answer to the first target, and whether the image was left as it was; large models take seconds for it."""
        image = self.copied_image()
        mask = self.ask(self.open(image), self.prompts())[0]
        return mask, bool((image.voxels == self.phantom.image.voxels).all())
