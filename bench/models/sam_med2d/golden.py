"""What SAM-Med2D answers to a golden file's inputs."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from bench.models.sam.golden import Weight, fill_golden, network_answers
from bench.models.sam_med2d.network import unfilled_network


def answers(
    weight: Weight, image: Weight, inputs: Mapping[str, NDArray[Any]], *, adapters: bool = True
) -> dict[str, NDArray[Any]]:
    """Compute every array of a golden file, with adapters or without; see `bench.models.sam.golden.answers`."""
    network = unfilled_network(adapters=adapters)
    fill_golden(network, weight)
    return network_answers(network, image, inputs, every=(16, 2))
