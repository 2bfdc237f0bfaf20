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


def require(device: str) -> None:
    """Refuse a torch device that is not there.

    Raises:
        UsageError: For anything but `cpu`, and CUDA devices where there is CUDA.
    """
    if device == "cpu":
        return
    import torch

    if not (device.startswith("cuda") and torch.cuda.is_available()):
        raise UsageError(f"device {device!r} is not available here: type --device cpu")
