"""Models whose scores are known beforehand: they test suites, protocols, metrics and the path between them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bench.models.base import Capabilities, ModelCard
from bench.records import Prompts
from curate.labelmap import BoxMask
from curate.volume import Volume

_KINDS = frozenset({"points", "box", "boxes", "scribble", "lasso", "previous", "target"})
_ANYTHING = Capabilities(dimensions=frozenset({2, 3}), prompts=_KINDS)
"""Their answers do not depend on what is shown, so that they run with every protocol."""


@dataclass(frozen=True, slots=True)
class _Answers:
    """A session that looks its answers up."""

    masks: Mapping[str, BoxMask]

    def predict(self, prompts: Prompts) -> BoxMask:
        """Return the mask of the prompts' key."""
        return self.masks[prompts.key]


class Oracle:
    """Answers with the reference: whatever is not a perfect score is a fault of the path."""

    card = ModelCard("oracle", "the reference itself", "Apache-2.0", _ANYTHING, "untrained", sees_reference=True)

    def open_with_references(self, image: Volume, references: Mapping[str, BoxMask]) -> _Answers:
        """Keep the references."""
        del image
        return _Answers(references)


class BoxFill:
    """Answers with the filled bounding box of the reference: what a perfect detector without a shape would score."""

    card = ModelCard(
        "box-fill", "the reference's filled bounding box", "Apache-2.0", _ANYTHING, "untrained", sees_reference=True
    )

    def open_with_references(self, image: Volume, references: Mapping[str, BoxMask]) -> _Answers:
        """Fill the box of every reference."""
        del image
        filled = {key: BoxMask(mask.shape_ijk, mask.box, np.ones_like(mask.voxels)) for key, mask in references.items()}
        return _Answers(filled)


@dataclass(frozen=True, slots=True)
class _Nothing:
    """A session that never finds anything."""

    shape_ijk: tuple[int, int, int]

    def predict(self, prompts: Prompts) -> BoxMask:
        """Return the empty mask."""
        del prompts
        return BoxMask(self.shape_ijk, (0, 0, 0, 0, 0, 0), np.zeros((0, 0, 0), dtype=np.bool_))


class Empty:
    """Answers with nothing: takes the `prediction empty` row of every metric's table."""

    card = ModelCard("empty", "an empty mask, always", "Apache-2.0", _ANYTHING, "untrained")

    def open(self, image: Volume) -> _Nothing:
        """Remember the grid."""
        return _Nothing(image.geometry.shape_ijk)
