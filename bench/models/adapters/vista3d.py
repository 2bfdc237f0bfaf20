"""VISTA3D: told a class it segments alone, clicked it segments anything."""

from pathlib import Path
from typing import Any

from bench.models.adapters.bundle_targets import channel_names, description, targets_of
from bench.models.adapters.digests import sha256_of_files
from bench.models.adapters.extras import needed
from bench.models.base import Capabilities, ModelCard, Session
from curate.errors import UsageError
from curate.volume import Volume

CARD = ModelCard(
    "vista3d",
    "VISTA3D (He et al., MONAI): classes by name, anything by clicks; for CT",
    "Apache-2.0 code, NVIDIA non-commercial weights",
    Capabilities(frozenset({3}), frozenset({"points", "target"})),
    None,
    "folder of the VISTA3D bundle (configs/metadata.json, models/model.pt)",
)
SUBCLASSES = {
    2: (14, 5),
    20: (28, 29, 30, 31, 32),
    21: (*range(33, 57), *range(63, 98), 114, 120, 122),
}
"""Classes that the network has in parts only: kidney, lung, bone (the bundle's configs/inference.json)."""


class Vista3d:
    """The network of MONAI with the published weights, intensities, spacing and windows.

    Other than the bundle it does not crop to the foreground, which only saves work, and decides after the logits are
    back on the image's grid.

    Attributes:
        card: What the model says of itself.
        weights_sha256: Digest of weights and class names.
    """

    card = CARD

    def __init__(self, weights: Path | None, device: str = "cpu", *, side: int = 128, overlap: float = 0.3) -> None:
        """Load the weights.

        Args:
            weights: The bundle's folder; a `medseen.toml` in it may name the classes' targets.
            device: `cpu` or a CUDA device.
            side: Voxels of 1.5 mm along each side of a window.
            overlap: Share of a window that the next one covers again.

        Raises:
            UsageError: When MONAI is not installed, or a file is missing or another model's.
        """
        if weights is None:
            raise UsageError(f"vista3d needs weights: add --weights FOLDER, the {CARD.weights}")
        needed("monai.networks.nets", "monai", "vista3d")
        from bench.models.adapters.vista3d_session import Windows

        paths = [weights / "models/model.pt", weights / "configs/metadata.json"]
        if not paths[1].is_file():
            raise UsageError(f"{weights}: is no {CARD.weights}; name it with --weights")
        self._classes = classes(weights, paths[1])
        self._network = network(paths[0], device)
        self._windows = Windows(device, side, overlap)
        self.weights_sha256 = sha256_of_files(paths)

    def open(self, image: Volume) -> Session:
        """Resample the image; windows are encoded when they are asked for.

        Raises:
            UnsupportedError: For a single slice, an image without spacing, or one that holds NaN or infinity.
        """
        from bench.models.adapters.vista3d_session import VistaSession

        return VistaSession(self._network, self._classes, image, self._windows)


def classes(folder: Path, metadata: Path) -> dict[str, tuple[int, ...]]:
    """Return target -> classes, from the bundle's names.

    Raises:
        UsageError: When no name is a target of the vocabulary.
    """
    import json

    names = channel_names(json.loads(metadata.read_text(encoding="utf-8")))
    found = targets_of(names, description(folder), folder)
    parts = {slug: [SUBCLASSES.get(one, (one,)) for one in own] for slug, own in found.items()}
    return {slug: tuple(sorted({n for part in own for n in part})) for slug, own in parts.items()}


def network(path: Path, device: str) -> Any:
    """Make the network as wide as the weights are, and fill it.

    Raises:
        UsageError: When the weights are missing or another model's.
    """
    import torch
    from monai.networks.nets.vista3d import vista3d132

    from bench.models.checkpoint import fill, load_state_dict

    state, _ = load_state_dict(path)
    first = state.get("image_encoder.encoder.conv_init.weight", torch.zeros(48))
    made = vista3d132(encoder_embed_dim=len(first))
    fill(made, state, path)
    return made.to(device).eval()
