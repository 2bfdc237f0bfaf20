"""A 2D network opened on a picture or a volume.

An answer depends on the prompts alone: asked click by click or with all clicks at once, it is the same.
"""

from collections.abc import Mapping, Sequence

import torch

from bench.models.planar.decoding import Decoder
from bench.models.planar.embeddings import Embeddings
from bench.models.planar.frames import FrameMaker, frame_for
from bench.models.planar.intensities import stretch_for
from bench.models.planar.memory import Memory
from bench.models.planar.network import PlanarNetwork
from bench.models.planar.options import Options
from bench.models.planar.pictures import Pictures
from bench.models.planar.planes import Patch, planes_of
from bench.models.planar.prompting import TAKEN, Shown, per_slice, require_answerable
from bench.models.planar.propagation import Front, first_fronts, shown_at
from bench.models.planar.refining import Refiner
from bench.models.planar.turning import Turning
from bench.records import Prompts
from curate.labelmap import BoxMask
from curate.volume import Volume

_MIB = 1 << 20
_PATCH_BYTES = 256
"""Of a mask besides its pixels."""

Asked = Mapping[int, Shown]
"""Slice -> what is shown there of one target."""


class PlanarSession:
    """Slices are encoded when a prompt first needs them; slices without prompts are empty, or prompted by neighbours.

    Attributes:
        network: The network.
        options: The choices of the model.
    """

    def __init__(
        self,
        network: PlanarNetwork,
        image: Volume,
        options: Options,
        device: str = "cpu",
        *,
        frame: FrameMaker | None = None,
        prompts: frozenset[str] = TAKEN,
    ) -> None:
        """Look at the image's range; nothing is encoded yet.

        Args:
            network: A network on `device`, in evaluation mode.
            image: A picture or volume, grey or colour.
            options: The choices of the model.
            device: A PyTorch device.
            frame: Makes the frame for the slices' shape, where none of `options.fit` is the network's.
            prompts: Kinds of prompt that the network takes: some of `TAKEN`.

        Raises:
            UnsupportedError: When the image holds NaN or infinity, or colours that are not three.
        """
        self.network = network
        self.options = options
        grid = image.geometry
        self._turning = Turning.canonical(grid) if options.canonical else Turning(grid.shape_ijk)
        self._planes = planes_of(image.canonical() if options.canonical else image, options.axis)
        shape, side = self._planes.shape, network.side
        self._frame = frame(shape, side) if frame else frame_for(options.fit, shape, side)
        self._prompts = prompts
        stretch = stretch_for(self._planes.image, options)
        pictures = Pictures(self._planes, stretch, self._frame, options.channels)
        limit = int(options.cache_mb * _MIB)
        self._embeddings = Embeddings(
            network, pictures.square, device=device, limit_bytes=limit, pictures_per_batch=options.pictures_per_batch
        )
        self._refiner = Refiner(Decoder(network, self._frame, options, device), limit // 8)
        self._patches: Memory[tuple[int, Shown], Patch] = Memory(limit // 8)

    def predict(self, prompts: Prompts) -> BoxMask:
        """Segment one target on the image's own grid.

        Raises:
            UnsupportedError: For what `require_answerable` refuses.
        """
        return self.predict_many([prompts])[0]

    def predict_many(self, prompts: Sequence[Prompts]) -> list[BoxMask]:
        """Segment several targets; each slice is encoded once for all of them.

        Raises:
            UnsupportedError: As `predict`, for any of them.
        """
        for one in prompts:
            require_answerable(one, self._turning.source, self._turning.order[self._planes.axis], self._prompts)
        asked = [per_slice(self._turning.prompts(one), self._planes) for one in prompts]
        with torch.inference_mode():
            masks = self._masks([{n: shown for n, shown in one.items() if shown.says_where} for one in asked])
            if self.options.propagate:
                self._propagate(asked, masks)
        return [self._turning.mask_on_source(self._planes.mask(one)) for one in masks]

    def _masks(self, asked: Sequence[Asked]) -> list[dict[int, Patch]]:
        """Return the masks of the slices on which something is shown, for each target."""
        found: list[dict[int, Patch]] = [{} for _ in asked]
        todo: dict[int, list[int]] = {}
        for target, slices in enumerate(asked):
            for number, shown in slices.items():
                patch = self._patches.get((number, shown))
                if patch is None:
                    todo.setdefault(number, []).append(target)
                else:
                    found[target][number] = patch
        for number, embedding in self._embeddings.over(sorted(todo)):
            logits = self._refiner.answers(number, embedding, [asked[target][number] for target in todo[number]])
            for target, last in zip(todo[number], logits, strict=True):
                patch = found[target][number] = Patch.of(self._frame.mask(last))
                self._patches.put((number, asked[target][number]), patch, patch.inside.nbytes + _PATCH_BYTES)
        return found

    def _propagate(self, asked: Sequence[Asked], masks: Sequence[dict[int, Patch]]) -> None:
        """Add the masks of slices that are reached from those with prompts, one slice further at a time."""
        fronts: list[Front] = []
        for target, slices in enumerate(masks):
            fronts += first_fronts(target, slices, self._planes.count)
        while fronts:
            reached: list[dict[int, Shown]] = [{} for _ in masks]
            for front in fronts:
                shown = shown_at(front, masks[front.target], asked[front.target].get(front.number))
                if shown is not None:
                    reached[front.target][front.number] = shown
            for target, found in enumerate(self._masks(reached)):
                masks[target].update(found)
            ahead = [front.next() for front in fronts if front.number in reached[front.target]]
            fronts = [front for front in ahead if front is not None]
