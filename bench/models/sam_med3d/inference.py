"""The inference that the SAM-Med3D paper describes, as a session.

A cube of 128 voxels at 1.5 mm around the first click; one click at a time, with the logits of the previous answer;
where the answer touches a face of the cube and the image goes on there, the next half-overlapping cube, and so on.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.errors import UnsupportedError
from bench.models.recent import Recent
from bench.models.sam_med3d import windows
from bench.models.sam_med3d.isotropic import IsotropicGrid
from bench.models.sam_med3d.network import LOW_RES, upsampled
from bench.models.sam_med3d.options import Options
from bench.models.sam_med3d.windows import Triple
from bench.records import Prompts
from curate.labelmap import BoxMask, union_box
from curate.volume import Volume

EMBEDDINGS_KEPT = 32
"""Embeddings of 0.8 MB; a target takes at most `max_windows` of them besides those that were clicked."""
STATES_KEPT = 64
"""Answers of at most 0.13 MB a window, so that the next click goes on from the last."""


class Network(Protocol):
    """What the session needs of a network; see `bench.models.sam_med3d.network.SamMed3DNetwork`."""

    def encode(self, crop: Tensor) -> Tensor:
        """Map a normalised cube, (1, 1, 128, 128, 128), to its embedding."""

    def decode(self, embedding: Tensor, points: Tensor, labels: Tensor, previous: Tensor) -> tuple[Tensor, Tensor]:
        """Answer points with logits (1, 1, 32, 32, 32) and an estimated overlap."""


@dataclass(frozen=True, slots=True)
class Click:
    """One point on the isotropic grid."""

    place: Triple
    label: Literal[0, 1]


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """The logits, (1, 1, 32, 32, 32), of every window after some clicks; a window is named by its start."""

    clicked: Mapping[Triple, Tensor] = field(default_factory=dict)
    extended: Mapping[Triple, Tensor] = field(default_factory=dict)
    """Reached through a face; found anew after every click, since the click may have taken the reason away."""


class PaperSession:
    """SAM-Med3D opened on one image.

    An answer depends on the clicks alone: asked click by click or with all clicks at once, it is the same.
    """

    def __init__(self, network: Network, image: Volume, options: Options) -> None:
        if image.geometry.is_2d or image.geometry.unit != "mm":
            raise UnsupportedError(f"SAM-Med3D takes volumes with a spacing in mm, found {image.geometry}")
        self._network = network
        self._options = options
        self._grid = IsotropicGrid.over(image.geometry, canonical=options.canonical)
        voxels = image.grey()
        if not np.isfinite(voxels).all():
            raise UnsupportedError("the image holds NaN or infinity, of which the network makes an empty mask")
        self._image = self._grid.resample(voxels)
        self._shape = self._grid.geometry.shape_ijk
        self._embeddings: Recent[Triple, Tensor] = Recent(EMBEDDINGS_KEPT)
        self._states: Recent[tuple[Click, ...], State] = Recent(STATES_KEPT)

    def predict(self, prompts: Prompts) -> BoxMask:
        """Segment one target on the image's own grid.

        Raises:
            UnsupportedError: For a box, without any point, or for a point outside the image.
        """
        clicks = self._clicks(prompts)
        with torch.inference_mode():
            state = self._after(clicks)
            return self._grid.mask_on_source(self._union({**state.extended, **state.clicked}))

    def _clicks(self, prompts: Prompts) -> tuple[Click, ...]:
        if prompts.kinds != {"points"}:
            raise UnsupportedError(f"SAM-Med3D takes points only, found {sorted(prompts.kinds) or 'no prompt'}")
        for point in prompts.points_ijk.tolist():
            if not all(0 <= p < n for p, n in zip(point, self._grid.source.shape_ijk, strict=True)):
                raise UnsupportedError(f"point {tuple(point)} lies outside the image {self._grid.source.shape_ijk}")
        places = self._grid.points(prompts.points_ijk).tolist()
        labels = prompts.labels.tolist()
        return tuple(Click((i, j, k), label) for (i, j, k), label in zip(places, labels, strict=True))

    def _after(self, clicks: tuple[Click, ...]) -> State:
        """Return the state after some clicks, going on from the longest beginning that is remembered."""
        if not clicks:
            return State()
        return self._states.get(clicks, lambda: self._next(self._after(clicks[:-1]), clicks))

    def _next(self, before: State, clicks: tuple[Click, ...]) -> State:
        """Answer the last click in its window, then follow the target out of all clicked windows."""
        start = windows.window_of(clicks[-1].place, clicks[0].place)
        shown = clicks if self._options.points_fed == "all" else clicks[-1:]
        points = [
            ([p - s for p, s in zip(c.place, start, strict=True)], c.label)
            for c in shown
            if windows.holds(start, c.place)
        ]
        previous = before.clicked.get(start, before.extended.get(start))
        clicked = {**before.clicked, start: self._segment(start, points, previous)}
        return State(clicked, self._extend(clicked))

    def _extend(self, clicked: Mapping[Triple, Tensor]) -> dict[Triple, Tensor]:
        """Segment the windows behind faces that a prediction touches: breadth first, each at most once."""
        found: dict[Triple, Tensor] = {}
        queue = list(clicked.items())
        for start, logits in queue:  # grows while it is walked
            mask = self._mask(start, logits)
            for face in windows.open_faces(mask, start, self._shape):
                behind = windows.neighbour(start, face)
                if behind in clicked or behind in found or len(clicked) + len(found) >= self._options.max_windows:
                    continue
                found[behind] = self._segment(behind, [(windows.entry_point(mask, face), 1)], None)
                queue.append((behind, found[behind]))
        return found

    def _segment(self, start: Triple, points: Iterable[tuple[Iterable[int], int]], previous: Tensor | None) -> Tensor:
        """Return the logits of a window for points in its own voxels; without a previous answer the prompt is zeros."""
        embedding = self._embeddings.get(start, lambda: self._encode(start))
        places, labels = zip(*points, strict=True)
        device = self._options.device
        if previous is None:
            previous = torch.zeros(1, 1, LOW_RES, LOW_RES, LOW_RES, device=device)
        shown = torch.tensor([places], dtype=torch.float32, device=device)
        return self._network.decode(embedding, shown, torch.tensor([labels], device=device), previous)[0]

    def _encode(self, start: Triple) -> Tensor:
        cube = windows.crop(self._image, start, clamp_ct=self._options.clamp_ct)
        return self._network.encode(torch.from_numpy(cube)[None, None].to(self._options.device))

    def _mask(self, start: Triple, logits: Tensor) -> NDArray[np.bool_]:
        """Return a window's prediction, (128, 128, 128): sigmoid above 0.5 (logit above 0), inside the image."""
        inside: NDArray[np.bool_] = (upsampled(logits)[0, 0] > 0).cpu().numpy()
        part = windows.window_slices(windows.box_in_image(start, self._shape), start)
        mask = np.zeros_like(inside)
        mask[part] = inside[part]
        return mask

    def _union(self, logits: Mapping[Triple, Tensor]) -> BoxMask:
        """Unite the predictions of all windows on the isotropic grid."""
        around = (0, 0, 0, 0, 0, 0)
        for start in logits:
            around = union_box(around, windows.box_in_image(start, self._shape))
        voxels = np.zeros([around[axis + 3] - around[axis] for axis in range(3)], dtype=np.bool_)
        for start, window in logits.items():
            box = windows.box_in_image(start, self._shape)
            corner = (around[0], around[1], around[2])
            voxels[windows.window_slices(box, corner)] |= self._mask(start, window)[windows.window_slices(box, start)]
        tight = BoxMask.of(voxels)
        i, j, k = around[:3] if tight.count else (0, 0, 0)
        b = tight.box
        return BoxMask(self._shape, (b[0] + i, b[1] + j, b[2] + k, b[3] + i, b[4] + j, b[5] + k), tight.voxels)
