"""MedSAM, as its inference script runs it."""

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from bench.models.adapters.digests import sha256_of_folder
from bench.models.base import Capabilities, ModelCard, Session
from bench.models.planar.model import PlanarModel
from bench.models.planar.options import Options
from curate.volume import Volume

if TYPE_CHECKING:
    from torch import nn

    from bench.models.planar.network import PlanarNetwork


class MedSam(PlanarModel):
    """SAM ViT-B fine-tuned on medical pictures, with boxes only, and its own way to fit and scale a picture.

    The published file is read by the network of this package, a folder of the same weights by transformers.
    """

    card = ModelCard(
        "medsam",
        "MedSAM (Ma et al. 2024, bowang-lab/MedSAM): boxes on slices of 1024 pixels",
        "unknown",
        Capabilities(frozenset({2, 3}), frozenset({"box", "boxes"})),
        "medsam",
        "published checkpoint (medsam_vit_b.pth), or a folder with config.json and model.safetensors of the same",
    )
    defaults: ClassVar[Options] = Options(intensity="percentiles", multimask="never", previous="none")
    fixed: ClassVar[tuple[str, ...]] = ("fit",)

    def unfilled(self) -> "nn.Module":
        """Return the network of 1024 pixels."""
        from bench.models.sam.network import SIZES, unfilled_network

        return unfilled_network(SIZES["vit-b"])

    def open(self, image: Volume) -> Session:
        """Look at the image's range; slices are encoded when prompts first need them.

        Raises:
            UnsupportedError: When the image holds NaN or infinity, or colours that are not three.
        """
        from bench.models.adapters.stretched_frames import MedSamFrame
        from bench.models.planar.session import PlanarSession

        kinds = self.card.capabilities.prompts
        return PlanarSession(self._network, image, self.options, self._device, frame=MedSamFrame, prompts=kinds)

    def _loaded(self, weights: Path) -> "tuple[PlanarNetwork, str]":
        if not weights.is_dir():
            return super()._loaded(weights)
        from bench.models.adapters.hosted_network import load

        return load(weights, self._device, self.card.name, "sam"), sha256_of_folder(weights)
