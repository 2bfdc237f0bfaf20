"""The inference that the published code has: one cube, resampled and cut as torchio does it, nothing beyond it.

The old validation script (`crop`) showed the newest point only and turned no image; the current repository (`native`)
shows all points and turns images to R, A, S. Both cut the cube around the reference's box.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from bench.errors import UnsupportedError
from bench.models.sam_med3d import windows
from bench.models.sam_med3d.clicks import Click, clicks_of, usable_voxels
from bench.models.sam_med3d.decoding import Decoder, Network, Request, Steps
from bench.models.sam_med3d.isotropic import SPACING_MM, IsotropicGrid
from bench.models.sam_med3d.memory import Answers
from bench.models.sam_med3d.network import foreground
from bench.models.sam_med3d.options import Options
from bench.models.sam_med3d.published_cube import box_on_grid, cube_of, start_around
from bench.models.sam_med3d.windows import SIDE, Triple
from bench.records import Prompts
from curate.geometry import Box
from curate.labelmap import BoxMask
from curate.volume import Volume


@dataclass(frozen=True, slots=True)
class _Shown:
    """What was clicked in which cube."""

    start: Triple
    clicks: tuple[Click, ...]


class OneCubeSession:
    """SAM-Med3D opened on one image.

    The cube is centred on the box of the prompts or, where they hold none, on the first click. An answer depends on
    the prompts alone: asked click by click or with all clicks at once, alone or with other targets, it is the same.
    """

    def __init__(self, network: Network, image: Volume, options: Options) -> None:
        self._voxels = usable_voxels(image)
        self._options = options
        self._grid = IsotropicGrid.from_corner(image.geometry, canonical=options.canonical)
        self._decoder = Decoder(network, options.device, self.cube)
        self._answers: Answers[Tensor] = Answers()

    def predict(self, prompts: Prompts) -> BoxMask:
        """Segment one target on the image's own grid; see `predict_many`."""
        return self.predict_many([prompts])[0]

    def predict_many(self, prompts: Sequence[Prompts]) -> list[BoxMask]:
        """Segment some targets on the image's own grid.

        Raises:
            UnsupportedError: Without any point, or for a point outside the image or the cube.
        """
        shown = [self._shown(one) for one in prompts]
        found = self._decoder.run([self._after(one) for one in shown])
        return [
            self._grid.mask_on_source(self.on_grid(logits, one.start)) for one, logits in zip(shown, found, strict=True)
        ]

    def segment(self, start: Triple, clicks: tuple[Click, ...]) -> Tensor:
        """Return the logits, (1, 1, 32, 32, 32), of the cube at `start` after some clicks on the isotropic grid."""
        return self._decoder.run([self._after(_Shown(start, clicks))])[0]

    def on_grid(self, logits: Tensor, start: Triple) -> BoxMask:
        """Return the prediction on the isotropic grid: sigmoid above 0.5 (logit above 0), inside the image."""
        shape = self._grid.geometry.shape_ijk
        box = windows.box_in_image(start, shape)
        inside = foreground(logits).cpu().numpy()[windows.window_slices(box, start)]
        tight = BoxMask.of(inside)
        return BoxMask.empty(shape) if tight.count == 0 else BoxMask(shape, _moved(tight.box, box), tight.voxels)

    def _shown(self, prompts: Prompts) -> _Shown:
        clicks = clicks_of(prompts, self._grid, beside_points=("box",))
        start = self._start(prompts.box, clicks[0].place)
        for click in clicks:
            if not windows.holds(start, click.place):
                side = SIDE * SPACING_MM
                raise UnsupportedError(
                    f"a point lies outside the one cube of {side:.0f} mm; sam-med3d takes more cubes"
                )
        return _Shown(start, clicks)

    def _start(self, box: Box | None, first: Triple) -> Triple:
        """Return the start of the cube around a box of the source, or around the first click."""
        if box is not None:
            on_grid = box_on_grid(self._grid, box)
            if on_grid[0] < on_grid[3]:  # a box thinner than 1.5 mm may lie between the isotropic voxels
                return start_around(on_grid)
        i, j, k = (place - SIDE // 2 for place in first)
        return i, j, k

    def _after(self, shown: _Shown) -> Steps[Tensor]:
        """Go on from the longest beginning that is remembered, click by click."""
        known, logits = self._answers.longest(shown.clicks, shown.start)
        for n in range(known + 1, len(shown.clicks) + 1):
            so_far = shown.clicks[:n]
            points = so_far if self._options.points_fed == "all" else so_far[-1:]
            places = tuple((windows.inside(shown.start, click.place), click.label) for click in points)
            logits = yield Request(shown.start, places, logits)
            self._answers.keep(so_far, logits, shown.start)
        if logits is None:
            raise UnsupportedError("SAM-Med3D takes points, found no prompt")
        return logits

    def cube(self, start: Triple) -> NDArray[np.float32]:
        """Return the normalised cube, (128, 128, 128), that the network sees."""
        cube = cube_of(self._grid, self._voxels, start)
        return windows.z_normalised(np.clip(cube, *windows.CT_RANGE_HU) if self._options.clamp_ct else cube)


def _moved(box: Box, by: Box) -> Box:
    i, j, k = by[:3]
    return box[0] + i, box[1] + j, box[2] + k, box[3] + i, box[4] + j, box[5] + k
