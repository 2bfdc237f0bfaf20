"""What SAM-UNet answers to a golden file's inputs."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from bench.models.sam.golden import Weight, fill_golden, prompts
from bench.models.sam_unet.network import SIDE, unfilled_network

MEAN = (123.675, 116.28, 103.53)
STD = (58.395, 57.12, 57.375)
"""Of red, green and blue in 0..255, as published."""


@torch.inference_mode()
def answers(
    weight: Weight, image: Weight, inputs: Mapping[str, NDArray[Any]], layers: int = 50
) -> dict[str, NDArray[Any]]:
    """Compute every array of a golden file: answers to the first point, to all points, and to the box.

    Args:
        weight: Gives the golden value of a state-dict entry.
        image: Gives the golden input of a name.
        inputs: `input_name`; `points` (n, 2) and `box` (4,) in pixels of the square; `labels` (n,).
        layers: Of the ResNet.

    Returns:
        Arrays by the names that the golden file uses.
    """
    network = unfilled_network(layers)
    fill_golden(network, weight)
    embedding = network.encode(_picture(image, str(inputs["input_name"])))
    points, labels, box = prompts(inputs)
    asked = {
        "point1": (points[:, :1], labels[:, :1], None),
        "point2": (points, labels, None),
        "box": (points[:, :0], labels[:, :0], box),
    }
    arrays: dict[str, Tensor] = {}
    for name, prompt in asked.items():
        logits, _ = network.decode(embedding, *prompt, None, multimask=False)
        large = functional.interpolate(logits, (SIDE, SIDE), mode="bilinear", align_corners=False)
        arrays[f"{name}_low_res_strided"] = logits[0, :, ::4, ::4]
        arrays[f"{name}_mask_pixels"] = (large > 0).sum()[None]
    return {name: array.numpy() for name, array in arrays.items()}


def _picture(image: Weight, name: str) -> Tensor:
    """Return a normalised picture, (1, 3, 256, 256), whose values before were in 0..255."""
    raw = np.clip(50 * image(name, (3, SIDE, SIDE)) + 120, 0, 255).astype(np.float32)
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, STD))
    return ((torch.from_numpy(raw) - mean) / std)[None]
