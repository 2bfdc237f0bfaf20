"""nnInteractive through its own package."""

import os
from pathlib import Path
from typing import Any

from bench.models.adapters.digests import sha256_of_folder
from bench.models.adapters.extras import needed
from bench.models.adapters.nninteractive_session import Engine, NnInteractiveSession
from bench.models.base import Capabilities, ModelCard
from curate.errors import UsageError
from curate.volume import Volume

CARD = ModelCard(
    "nninteractive",
    "nnInteractive (Isensee, Rokuss, Krämer et al., MIC-DKFZ/nnInteractive): points on volumes",
    "Apache-2.0 code, CC-BY-NC-SA-4.0 weights",
    Capabilities(frozenset({3}), frozenset({"points", "previous"})),
    "nninteractive",
    "folder of the published model (nnInteractive_v1.0)",
)


class NnInteractive:
    """The published session, fed as its authors feed it: raw intensities, axes as SimpleITK has them, no resampling.

    The package's boxes lie in one slice; those of a benchmark span a target, so that boxes are not offered here.

    Attributes:
        card: What the model says of itself.
        weights_sha256: Digest of the folder.
    """

    card = CARD

    def __init__(self, weights: Path | None, device: str = "cpu", *, autozoom: bool = True) -> None:
        """Load the weights.

        Args:
            weights: Folder of the trained model.
            device: `cpu` or a CUDA device.
            autozoom: Zoom out where the target leaves the patch, as by default in the package.

        Raises:
            UsageError: When the package is not installed, or there are no weights.
        """
        if weights is None or not weights.is_dir():
            raise UsageError(f"nninteractive needs weights: add --weights FOLDER, the {CARD.weights}")
        module: Any = needed("nnInteractive.inference.inference_session", "nninteractive", "nninteractive")
        import torch

        session = module.nnInteractiveInferenceSession(
            device=torch.device(device),
            use_torch_compile=False,
            verbose=False,
            torch_n_threads=os.cpu_count() or 1,
            do_autozoom=autozoom,
        )
        session.initialize_from_trained_model_folder(str(weights))
        self._engine = Engine(session)
        self.weights_sha256 = sha256_of_folder(weights)

    def open(self, image: Volume) -> NnInteractiveSession:
        """Remember the image; it is handed over when the first prompt comes.

        Raises:
            UnsupportedError: For a single slice, NaN or infinity, or an image without contrast.
        """
        return NnInteractiveSession(self._engine, image)
