"""The inference that the SAM-Med3D paper describes, as a session.

A cube of 128 voxels at 1.5 mm around the first click; one click at a time, with the logits of the previous answer;
where the answer touches a face of the cube and the image goes on there, the next half-overlapping cube, and so on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from bench.models.sam_med3d import windows
from bench.models.sam_med3d.clicks import Click, clicks_of, usable_voxels
from bench.models.sam_med3d.decoding import Decoder, Network, Request, Steps
from bench.models.sam_med3d.isotropic import IsotropicGrid
from bench.models.sam_med3d.memory import Answers
from bench.models.sam_med3d.network import foreground
from bench.models.sam_med3d.options import Options
from bench.models.sam_med3d.windows import Triple
from bench.records import Prompts
from curate.labelmap import BoxMask, union_box
from curate.volume import Volume


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """The logits, (1, 1, 32, 32, 32), of every window after some clicks; a window is named by its start."""

    clicked: Mapping[Triple, Tensor] = field(default_factory=dict)
    extended: Mapping[Triple, Tensor] = field(default_factory=dict)
    """Reached through a face; found anew after every click, since the click may have taken the reason away."""


class PaperSession:
    """SAM-Med3D opened on one image.

    An answer depends on the clicks alone: asked click by click or with all clicks at once, alone or with other
    targets, it is the same.
    """

    def __init__(self, network: Network, image: Volume, options: Options) -> None:
        voxels = usable_voxels(image)
        self._options = options
        self._grid = IsotropicGrid.over(image.geometry, canonical=options.canonical)
        self._image = self._grid.resample(voxels)
        self._shape = self._grid.geometry.shape_ijk
        self._decoder = Decoder(network, options.device, self._cube)
        self._states: Answers[State] = Answers()

    def predict(self, prompts: Prompts) -> BoxMask:
        """Segment one target on the image's own grid; see `predict_many`."""
        return self.predict_many([prompts])[0]

    def predict_many(self, prompts: Sequence[Prompts]) -> list[BoxMask]:
        """Segment some targets on the image's own grid.

        Raises:
            UnsupportedError: For a box, without any point, or for a point outside the image.
        """
        clicks = [clicks_of(one, self._grid) for one in prompts]
        states = self._decoder.run([self._after(one) for one in clicks])
        return [self._grid.mask_on_source(self._union({**one.extended, **one.clicked})) for one in states]

    def _after(self, clicks: tuple[Click, ...]) -> Steps[State]:
        """Find the state after some clicks, going on from the longest beginning that is remembered."""
        known, state = self._states.longest(clicks)
        state = state or State()
        for n in range(known + 1, len(clicks) + 1):
            state = yield from self._next(state, clicks[:n])
            self._states.keep(clicks[:n], state)
        return state

    def _next(self, before: State, clicks: tuple[Click, ...]) -> Steps[State]:
        """Answer the last click in its window, then follow the target out of all clicked windows."""
        start = windows.window_of(clicks[-1].place, clicks[0].place)
        shown = clicks if self._options.points_fed == "all" else clicks[-1:]
        points = tuple((windows.inside(start, c.place), c.label) for c in shown if windows.holds(start, c.place))
        logits = yield Request(start, points, before.clicked.get(start, before.extended.get(start)))
        clicked = {**before.clicked, start: logits}
        extended = yield from self._extend(clicked)
        return State(clicked, extended)

    def _extend(self, clicked: Mapping[Triple, Tensor]) -> Steps[dict[Triple, Tensor]]:
        """Segment the windows behind faces that a prediction touches: breadth first, each at most once."""
        found: dict[Triple, Tensor] = {}
        queue = list(clicked.items())
        for start, logits in queue:  # grows while it is walked
            mask = self._mask(start, logits)
            for face in windows.open_faces(mask, start, self._shape):
                behind = windows.neighbour(start, face)
                if behind in clicked or behind in found or len(clicked) + len(found) >= self._options.max_windows:
                    continue
                found[behind] = yield Request(behind, ((windows.entry_point(mask, face), 1),), None)
                queue.append((behind, found[behind]))
        return found

    def _cube(self, start: Triple) -> NDArray[np.float32]:
        return windows.crop(self._image, start, clamp_ct=self._options.clamp_ct)

    def _mask(self, start: Triple, logits: Tensor) -> NDArray[np.bool_]:
        """Return a window's prediction, (128, 128, 128): sigmoid above 0.5 (logit above 0), inside the image."""
        inside: NDArray[np.bool_] = foreground(logits).cpu().numpy()
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
