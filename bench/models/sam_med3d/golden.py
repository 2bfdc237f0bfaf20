"""What SAM-Med3D answers to a golden file's inputs."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.models.checkpoint import fill
from bench.models.sam_med3d.network import LOW_RES, SamMed3DNetwork, unfilled_network, upsampled
from bench.models.sam_med3d.windows import SIDE

Weight = Callable[[str, tuple[int, ...]], NDArray[Any]]


def filled_network(weight: Weight) -> SamMed3DNetwork:
    """Return the network with every state-dict entry set to `weight(key, shape)`."""
    network = unfilled_network()
    state = {key: torch.from_numpy(weight(key, tuple(entry.shape))) for key, entry in network.state_dict().items()}
    fill(network, state, Path("golden weights"))
    return network


@torch.inference_mode()
def answers(weight: Weight, image: Weight, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Compute every array of a golden file.

    Click 1 shows the first point and a zero mask prompt, click 2 all points and click 1's logits.

    Args:
        weight: Gives the golden value of a state-dict entry.
        image: Gives the golden input of a name.
        inputs: `input_name`; `points` (n, 3) in voxels of the cube; `labels` (n,).

    Returns:
        Arrays by the names that the golden file uses.
    """
    network = filled_network(weight)
    cube = torch.from_numpy(image(str(inputs["input_name"]), (1, 1, SIDE, SIDE, SIDE)))
    points = torch.from_numpy(inputs["points"].astype(np.float32))[None]
    labels = torch.from_numpy(inputs["labels"].astype(np.int64))[None]
    embedding = network.encode(cube)
    nothing = torch.zeros(1, 1, LOW_RES, LOW_RES, LOW_RES)
    first, first_overlap = network.decode(embedding, points[:, :1], labels[:, :1], nothing)
    second, second_overlap = network.decode(embedding, points, labels, first)
    large = upsampled(second)
    arrays: dict[str, Tensor] = {
        "embedding_strided": embedding[0, ::16, ::2, ::2, ::2],
        "embedding_mean_std": torch.stack([embedding.mean(), embedding.std(correction=0)]),
        "click1_sparse": network.prompt_encoder.points(points[:, :1], labels[:, :1]),
        "click1_low_res_strided": first[0, 0, ::4, ::4, ::4],
        "click1_iou": first_overlap,
        "click2_low_res_strided": second[0, 0, ::4, ::4, ::4],
        "click2_iou": second_overlap,
        "click2_high_res_strided": large[0, 0, ::16, ::16, ::16],
        "click2_mask_voxels": (torch.sigmoid(large) > 0.5).sum()[None],
    }
    return {name: array.numpy() for name, array in arrays.items()}
