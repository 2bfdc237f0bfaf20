"""A MONAI bundle as an automatic model: its own pre-processing, inferer and post-processing."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.errors import UnsupportedError
from bench.models.adapters.bundle_targets import (
    BACKGROUND,
    Description,
    channel_names,
    description,
    targets_of,
)
from bench.models.adapters.digests import sha256_of_folder
from bench.models.adapters.extras import needed
from bench.models.adapters.told import ToldSession
from bench.models.base import Capabilities, ModelCard
from curate import volume
from curate.errors import UsageError
from curate.labelmap import BoxMask
from curate.volume import Volume

CARD = ModelCard(
    "monai-bundle",
    "any bundle of the MONAI model zoo that segments volumes without prompts",
    "unknown",
    Capabilities(frozenset({3}), frozenset({"target"})),
    None,
    "folder of a bundle (configs/inference.json, configs/metadata.json, models/model.pt)",
)


class MonaiBundle:
    """What `configs/inference.json` describes, without its data loader, handlers and writer, at full precision.

    A bundle's configuration is a program: open only those that you trust.

    Attributes:
        card: What the bundle's metadata say.
        weights_sha256: Digest of the folder.
    """

    card = CARD

    def __init__(self, weights: Path | None, device: str = "cpu") -> None:
        """Read the configuration and load the network.

        Raises:
            UsageError: When something is missing, or the bundle takes more than one image at once.
        """
        if weights is None:
            raise UsageError(f"monai-bundle needs weights: add --weights FOLDER, a {CARD.weights}")
        self._device = device
        self._parser = parsed(weights, device)
        metadata = self._parser.get("_meta_", {})
        _require_one_volume(metadata, weights)
        said = description(weights)
        self._channels = channel_names(metadata)
        self._targets = targets_of(self._channels, said, weights)
        self._network = _filled(self._parser, weights, device)
        self.card = _card(weights, metadata, said, self._targets)
        self.weights_sha256 = sha256_of_folder(weights)

    def open(self, image: Volume) -> ToldSession:
        """Segment the image.

        Raises:
            UnsupportedError: For a single slice, an image without spacing, or one that holds NaN or infinity.
            ValueError: When the answer does not lie on the image's grid.
        """
        import torch

        if image.geometry.is_2d or image.geometry.unit != "mm":
            raise UnsupportedError(f"takes volumes with a spacing in mm, found {image.geometry}")
        grey = image.grey()
        if not np.isfinite(grey).all():
            raise UnsupportedError("the image holds NaN or infinity")
        with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
            path = Path(folder) / "image.nii.gz"
            volume.write(Volume(grey, image.geometry), path)
            data = self._parser.get_parsed_content("preprocessing")({"image": str(path)})
            inferer = self._parser.get_parsed_content("inferer")
            data["pred"] = inferer(data["image"][None].to(self._device), self._network)[0]
            answer = self._parser.get_parsed_content("postprocessing")(data)["pred"]
        return ToldSession(self.card.name, self._masks(np.asarray(answer.cpu()), image.geometry.shape_ijk))

    def _masks(self, answer: NDArray[Any], shape_ijk: tuple[int, int, int]) -> dict[str, BoxMask]:
        """Tell a label map, (1, i, j, k), from a mask per channel."""
        if answer.shape[1:] != shape_ijk:
            raise ValueError(f"the bundle answers on a grid {answer.shape[1:]}, expected {shape_ijk}")
        if len(answer) == 1:
            labels = np.rint(answer[0]).astype(np.int32)
            first = 0 if self._channels.get("0", BACKGROUND).lower() == BACKGROUND else 1
            return {
                slug: BoxMask.of(np.isin(labels, [n + first for n in keys])) for slug, keys in self._targets.items()
            }
        most = max(max(keys) for keys in self._targets.values())
        if most >= len(answer):
            raise ValueError(f"the bundle gives {len(answer)} channels, and a target is in channel {most}")
        return {slug: BoxMask.of(np.any(answer[keys] > 0.5, axis=0)) for slug, keys in self._targets.items()}


def parsed(folder: Path, device: str) -> Any:
    """Read a bundle's configuration, so that nothing is written and the answer comes back on the image's grid.

    Raises:
        UsageError: When MONAI is not installed, or a file or a part of the configuration is missing.
    """
    bundle = needed("monai.bundle", "monai", "monai-bundle")
    found = [path for suffix in (".json", ".yaml", ".yml") if (path := folder / f"configs/inference{suffix}").is_file()]
    metadata = folder / "configs/metadata.json"
    if not found or not metadata.is_file():
        raise UsageError(f"{folder}: is no {CARD.weights}; name one with --weights")
    parser = bundle.ConfigParser()
    parser.read_config(str(found[0]))
    parser.read_meta(str(metadata))
    lacking = [key for key in ("preprocessing", "inferer", "postprocessing") if key not in parser]
    if lacking or not ("network" in parser or "network_def" in parser):
        raise UsageError(f"{found[0]}: has no {', '.join(lacking) or 'network_def'}, which this adapter needs")
    parser["bundle_root"] = str(folder)
    parser["device"] = f"$__import__('torch').device('{device}')"
    steps = [step for step in parser["postprocessing"]["transforms"] if step.get("_target_") != "SaveImaged"]
    if not any(step.get("_target_") == "Invertd" for step in steps):
        steps.append(
            {"_target_": "Invertd", "keys": "pred", "transform": "@preprocessing", "orig_keys": "image"}
            | {"nearest_interp": True, "to_tensor": True}
        )
    parser["postprocessing"] = {"_target_": "Compose", "transforms": steps}
    return parser


def _require_one_volume(metadata: dict[str, Any], folder: Path) -> None:
    inputs = metadata.get("network_data_format", {}).get("inputs", {})
    for image in inputs.values():
        shape, channels = image.get("spatial_shape", [0, 0, 0]), image.get("num_channels", 1)
        if len(inputs) != 1 or len(shape) != 3 or channels != 1:
            raise UsageError(
                f"{folder}: takes {len(inputs)} input(s) of {channels} channel(s) and {len(shape)} axes; "
                "only bundles that take one volume of one channel can be run"
            )


def _filled(parser: Any, folder: Path, device: str) -> Any:
    """Make the network and give it the weights."""
    from bench.models.checkpoint import fill, load_state_dict

    path = folder / "models/model.pt"
    state, _ = load_state_dict(path)
    network = parser.get_parsed_content("network_def" if "network_def" in parser else "network")
    fill(network, state, path)
    return network.to(device).eval()


def _card(folder: Path, metadata: dict[str, Any], said: Description, targets: dict[str, list[int]]) -> ModelCard:
    name = said.name or "".join(c if c.isalnum() or c in "._-" else "-" for c in folder.resolve().name.lower())
    takes = Capabilities(frozenset({3}), frozenset({"target"}), frozenset(targets))
    about = " ".join(str(metadata.get("description", "a MONAI bundle")).split())
    return ModelCard(name, about, said.licence, takes, said.training_card, CARD.weights)
