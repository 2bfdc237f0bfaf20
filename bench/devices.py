"""Where models run."""

import gc
import re
import sys

from curate.errors import UsageError

_NUMBERED = re.compile(r"cuda:(\d+)")


def choose(device: str) -> str:
    """Turn `auto`, `cpu`, `cuda` or `cuda:N` into a torch device that is there.

    Raises:
        UsageError: For other words, and when CUDA or its device N is asked for and is not there.
    """
    if device == "cpu":
        return "cpu"
    if device not in ("auto", "cuda") and not _NUMBERED.fullmatch(device):
        raise UsageError(f"--device {device}: give auto, cpu, cuda, or one CUDA device such as cuda:1")
    found = count()
    if device == "auto":
        return "cuda" if found else "cpu"
    if not found:
        raise UsageError(f"--device {device}: no CUDA device here; give --device cpu, or auto to take what is there")
    if device != "cuda" and number(device) >= found:
        raise UsageError(f"--device {device}: the last CUDA device here is cuda:{found - 1}")
    return device


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


def count() -> int:
    """Return how many CUDA devices there are."""
    import torch

    return max(1, torch.cuda.device_count()) if torch.cuda.is_available() else 0


def number(device: str) -> int:
    """Return N of `cuda:N`; 0 of `cuda`."""
    named = _NUMBERED.fullmatch(device)
    return int(named[1]) if named else 0


def kind(device: str) -> str:
    """Return what scores may depend on: `cuda:1` is `cuda`."""
    return device.partition(":")[0]


def of_worker(device: str, worker: int | None) -> str:
    """Return the device of one of several workers: `cuda` is shared out in turn, everything else is as it was given.

    Args:
        device: From `choose`.
        worker: Number of the worker on this machine, from 0; None where workers have devices of their own already.
    """
    if device != "cuda" or worker is None:
        return device
    found = count()
    return f"cuda:{worker % found}" if found > 1 else device


def free_memory() -> None:
    """Give memory that is no longer used back to the GPU, where torch is in use on one; else only collect garbage."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
