"""SAM and SAM 2 through the package transformers."""

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from bench.models.adapters.digests import sha256_of_folder
from bench.models.base import Capabilities, ModelCard, Session
from bench.models.planar.options import Options
from curate.errors import UsageError
from curate.volume import Volume

TAKES = Capabilities(frozenset({2, 3}), frozenset({"points", "box", "boxes"}))


class SamTransformers:
    """Any `SamModel`: SAM, and what was fine-tuned from it and keeps its pre-processing.

    Attributes:
        card: What the model says of itself.
        options: The choices of 2D inference.
        weights_sha256: Digest of the folder.
    """

    card = ModelCard(
        "sam-transformers",
        "SAM and its fine-tuned kin through the package transformers: points and boxes on slices",
        "unknown",
        TAKES,
        None,
        "folder with config.json and model.safetensors of a SamModel",
    )
    families: ClassVar[tuple[str, ...]] = ("sam",)
    defaults: ClassVar[Options] = Options(multimask="one-point", previous="logits")

    def __init__(self, weights: Path | None, device: str = "cpu", **changes: Any) -> None:
        """Load the weights; `changes` are fields of `bench.models.planar.options.Options`.

        Raises:
            UsageError: When the weights are missing or another model's, or transformers is not installed.
        """
        from bench.models.adapters.hosted_network import load

        if weights is None:
            raise UsageError(f"{self.card.name} needs weights: add --weights FOLDER, a {self.card.weights}")
        self.options = replace(self.defaults, **changes)
        self._device = device
        self._network = load(weights, device, self.card.name, *self.families)
        self.weights_sha256 = sha256_of_folder(weights)

    def open(self, image: Volume) -> Session:
        """Look at the image's range; slices are encoded when prompts first need them.

        Raises:
            UnsupportedError: When the image holds NaN or infinity, or colours that are not three.
        """
        from bench.models.planar.session import PlanarSession

        return PlanarSession(self._network, image, self.options, self._device)


class Sam2Transformers(SamTransformers):
    """Any `Sam2Model`: SAM 2, SAM 2.1, and what was fine-tuned from them, slice by slice without their video memory."""

    card = ModelCard(
        "sam2",
        "SAM 2 and 2.1 and their fine-tuned kin through transformers: points and boxes on slices, no video memory",
        "unknown",
        TAKES,
        None,
        "folder with config.json and model.safetensors of a Sam2Model",
    )
    families: ClassVar[tuple[str, ...]] = ("sam2", "sam2_video")

    def open(self, image: Volume) -> Session:
        """Look at the image's range; slices are encoded when prompts first need them.

        Raises:
            UnsupportedError: When the image holds NaN or infinity, or colours that are not three.
        """
        from bench.models.adapters.stretched_frames import Sam2Frame
        from bench.models.planar.session import PlanarSession

        kinds = self.card.capabilities.prompts
        return PlanarSession(self._network, image, self.options, self._device, frame=Sam2Frame, prompts=kinds)
