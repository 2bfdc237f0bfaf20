"""What SAM answers to a golden file's inputs, and how other networks of its kind are asked."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bench.models.checkpoint import fill
from bench.models.sam.network import SIZES, SamNetwork, unfilled_network

Weight = Callable[[str, tuple[int, ...]], NDArray[Any]]


def answers(
    weight: Weight, image: Weight, inputs: Mapping[str, NDArray[Any]], size: str = "vit-b"
) -> dict[str, NDArray[Any]]:
    """Compute every array of a golden file of SAM at 1024 pixels.

    Args:
        weight: Gives the golden value of a state-dict entry.
        image: Gives the golden input of a name.
        inputs: `input_name`; `points` (n, 2) and `box` (4,) in pixels of the square; `labels` (n,).
        size: A name in `bench.models.sam.network.SIZES`.

    Returns:
        Arrays by the names that the golden file uses.
    """
    network = unfilled_network(SIZES[size])
    fill_golden(network, weight)
    return network_answers(network, image, inputs, every=(32, 8))


def fill_golden(network: nn.Module, weight: Weight) -> None:
    """Set every state-dict entry of a network to `weight(key, shape)`."""
    entries = network.state_dict().items()
    state = {key: torch.from_numpy(np.asarray(weight(key, tuple(entry.shape)))) for key, entry in entries}
    fill(network, state, Path("golden weights"))


def prompts(inputs: Mapping[str, NDArray[Any]]) -> tuple[Tensor, Tensor, Tensor]:
    """Return the points (1, n, 2), labels (1, n) and box (1, 4) of a golden file."""
    points, box = (torch.from_numpy(inputs[name].astype(np.float32))[None] for name in ("points", "box"))
    return points, torch.from_numpy(inputs["labels"].astype(np.int64))[None], box


@torch.inference_mode()
def network_answers(
    network: SamNetwork, image: Weight, inputs: Mapping[str, NDArray[Any]], every: tuple[int, int]
) -> dict[str, NDArray[Any]]:
    """Ask for the first point (one mask, and three), for the box, and for all points with the first one's logits.

    Args:
        network: SAM, or SAM-Med2D.
        image: Gives the golden input of a name.
        inputs: As of `answers`.
        every: Of how many channels, and of how many pixels of the embedding, one is kept; of logits half as many.

    Returns:
        Arrays by the names that the golden file uses.
    """
    channels, pixels = every
    points, labels, box = prompts(inputs)
    picture = torch.from_numpy(image(str(inputs["input_name"]), (1, 3, network.side, network.side)))
    embedding = network.encode(picture)
    first = (embedding, points[:, :1], labels[:, :1], None)
    point1 = network.decode(*first, None, multimask=False)
    asked = {
        "point1": point1,
        "point1_multi": network.decode(*first, None, multimask=True),
        "box": network.decode(embedding, points[:, :0], labels[:, :0], box, None, multimask=False),
        "point2_mask": network.decode(embedding, points, labels, None, point1[0], multimask=False),
    }
    arrays = {
        "embedding_strided": embedding[0, ::channels, ::pixels, ::pixels],
        "embedding_mean_std": torch.stack([embedding.mean(), embedding.std(correction=0)]),
    }
    for name, (logits, overlap) in asked.items():
        arrays[f"{name}_low_res_strided"] = logits[0, :, :: 2 * pixels, :: 2 * pixels]
        arrays[f"{name}_iou"] = overlap
    return {name: array.numpy() for name, array in arrays.items()}
