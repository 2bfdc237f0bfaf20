"""A model out of any function that makes a label map: nnU-Net, TotalSegmentator, a threshold."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bench.models.base import Capabilities, ModelCard
from bench.models.targets import told
from bench.records import Prompts
from curate.geometry import Box
from curate.labelmap import BoxMask, extract, union_box
from curate.volume import Volume

ALL_DIMENSIONS = frozenset({2, 3})


class Automatic:
    """Segments an image once, when it is opened; every target is looked up in the label map.

    Args:
        card: What the model says of itself; its capabilities are replaced by `target` and the targets of the table.
        segment: Returns the label map of an image: integers, (i, j, k), on the image's own grid.
        targets: Value in the label map -> vocabulary slug, or several slugs where one value belongs to several targets
            (a kidney tumour is part of the kidney). A target is the union of its values.
        dimensions: 2 for single slices, 3 for volumes.

    Raises:
        ValueError: For a table without values, or with one below 1.
    """

    def __init__(
        self,
        card: ModelCard,
        segment: Callable[[Volume], NDArray[Any]],
        targets: Mapping[int, str | tuple[str, ...]],
        dimensions: frozenset[int] = ALL_DIMENSIONS,
    ) -> None:
        self._segment = segment
        self._values = _values_of(targets)
        self.card = replace(card, capabilities=Capabilities(dimensions, frozenset({"target"}), frozenset(self._values)))

    def open(self, image: Volume) -> "AutomaticSession":
        """Segment the image.

        Raises:
            ValueError: When what comes of it is no label map of the image's shape.
        """
        labels = np.asarray(self._segment(image))
        if labels.shape != image.geometry.shape_ijk or labels.dtype.kind not in "iub":
            found = f"{labels.dtype} of shape {labels.shape}"
            raise ValueError(f"the label map is {found}, expected integers of shape {image.geometry.shape_ijk}")
        labels = labels.view(np.uint8) if labels.dtype == np.bool_ else labels
        return AutomaticSession(self.card.name, labels, self._values, _boxes(labels, self._values))


@dataclass(frozen=True, slots=True, eq=False)
class AutomaticSession:
    """The label map of one image."""

    name: str
    labels: NDArray[Any]
    """(i, j, k)."""
    values: Mapping[str, tuple[int, ...]]
    """Target -> its values."""
    boxes: Mapping[int, Box]
    """Where each value is; values that are nowhere are missing."""

    def predict(self, prompts: Prompts) -> BoxMask:
        """Return the mask of `prompts.target`, empty where nothing of it was found.

        Raises:
            UnsupportedError: For a target that is not in the table, for points or a box, or where no target is told.
        """
        values = self.values[told(self.name, prompts, self.values)]
        found_boxes = [self.boxes[value] for value in values if value in self.boxes]
        if not found_boxes:
            i, j, k = self.labels.shape
            return BoxMask.empty((i, j, k))
        return extract(self.labels, values, reduce(union_box, found_boxes))


def _boxes(labels: NDArray[Any], values: Mapping[str, tuple[int, ...]]) -> dict[int, Box]:
    """Find all values in one pass."""
    wanted = {value for some in values.values() for value in some}
    found = ndimage.find_objects(labels, max(wanted))
    boxes = {}
    for value in wanted:
        place = found[value - 1]
        if place is not None:
            i, j, k = place
            boxes[value] = (i.start, j.start, k.start, i.stop, j.stop, k.stop)
    return boxes


def _values_of(targets: Mapping[int, str | tuple[str, ...]]) -> dict[str, tuple[int, ...]]:
    """Turn value -> targets into target -> values."""
    if not targets or any(type(value) is not int or value < 1 for value in targets):
        raise ValueError(f"targets must map values from 1 to vocabulary slugs, found {dict(targets)!r:.100}")
    found: dict[str, list[int]] = {}
    for value, names in targets.items():
        for name in (names,) if isinstance(names, str) else names:
            found.setdefault(name, []).append(value)
    return {name: tuple(values) for name, values in found.items()}
