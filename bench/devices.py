"""Where models run."""

from curate.errors import UsageError


def choose(device: str) -> str:
    """Turn `auto`, `cpu` or `cuda` into a torch device that is there.

    Raises:
        UsageError: When CUDA is asked for and there is none.
    """
    if device == "cpu":
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if device == "cuda":
        raise UsageError("--device cuda: no CUDA device here; give --device cpu, or auto to take what is there")
    return "cpu"
