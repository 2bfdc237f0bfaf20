"""Read published weights without running anything that a file may contain."""

import argparse
import re
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curate.errors import UsageError
from curate.files import sha256_of_file

if TYPE_CHECKING:
    from torch import Tensor, nn

WRAPPERS = ("model_state_dict", "state_dict", "model")
"""Keys under which training scripts keep the state dict."""
_PARALLEL_PREFIX = "module."
_NAMES_SHOWN = 3


def load_state_dict(path: Path) -> "tuple[dict[str, Tensor], str]":
    """Read a checkpoint, bare or wrapped, onto the CPU.

    Only tensors, containers, numbers and strings are unpickled, and what the published training scripts keep beside
    them: `argparse.Namespace` for their arguments, NumPy numbers for losses and scores. The prefix of data-parallel
    training (`module.`) is removed.

    Returns:
        The state dict and the SHA-256 of the file.

    Raises:
        UsageError: When the file is missing, damaged, no checkpoint, or holds an object of any other class.
    """
    if not path.is_file():
        raise UsageError(f"{path}: no such file; name the checkpoint with --weights FILE")
    content = _unpickled(path)
    state = _unwrapped(content)
    if state is None:
        raise UsageError(
            f"{path}: holds no state dict (names to tensors), neither bare nor under {', '.join(WRAPPERS)}; "
            "name a checkpoint with --weights FILE"
        )
    if all(key.startswith(_PARALLEL_PREFIX) for key in state):
        state = {key.removeprefix(_PARALLEL_PREFIX): value for key, value in state.items()}
    return state, sha256_of_file(path)


def fill(network: "nn.Module", state_dict: "Mapping[str, Tensor]", path: Path) -> None:
    """Give every parameter and buffer of `network` its value, in the dtype of the network.

    Raises:
        UsageError: When names or shapes are not exactly those of the network.
    """
    expected = network.state_dict()
    shared = expected.keys() & state_dict.keys()
    problems = {
        "missing": expected.keys() - shared,
        "unexpected": state_dict.keys() - shared,
        "differently shaped": {key for key in shared if expected[key].shape != state_dict[key].shape},
    }
    found = "; ".join(f"{len(keys)} {what} ({some_names(keys)})" for what, keys in problems.items() if keys)
    if found:
        raise UsageError(f"{path}: looks like a checkpoint of another model: {found}; check --model and --weights")
    values = {key: state_dict[key].detach().to(expected[key].dtype) for key in expected}
    network.load_state_dict(values, assign=True)
    network.requires_grad_(requires_grad=False)


def _unpickled(path: Path) -> Any:
    import torch

    try:
        with torch.serialization.safe_globals(_allowed()), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of unusual pickles: they are read or refused, and that says enough
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file can make the unpickler raise anything
        refused = re.search(r"GLOBAL ([\w.]+)", str(error))
        if refused:
            raise UsageError(
                f"{path}: refused, because it wants to load {refused[1]}, which is no tensor and could run code; "
                "save its state dict alone and name that file with --weights"
            ) from error
        raise UsageError(
            f"{path}: cannot be read as a checkpoint ({type(error).__name__}): truncated, or not a PyTorch file; "
            "download it again and name it with --weights FILE"
        ) from error


def _allowed() -> list[Any]:
    """Return the classes that may stand in a checkpoint; none of them runs code when it is unpickled."""
    import numpy as np

    scalar = np.float64(0).__reduce__()[0]  # the function that unpickles a NumPy number; older files use its old name
    dtypes = {type(np.dtype(kind)) for kind in (np.float16, np.float32, np.float64, np.int32, np.int64, np.bool_)}
    return [argparse.Namespace, scalar, (scalar, "numpy.core.multiarray.scalar"), np.dtype, *dtypes]


def _unwrapped(content: Any) -> "dict[str, Tensor] | None":
    """Return the state dict inside a checkpoint, or None where there is none."""
    if not isinstance(content, Mapping):
        return None
    for candidate in (*(content.get(key) for key in WRAPPERS), content):
        if isinstance(candidate, Mapping) and _is_state_dict(candidate):
            return dict(candidate)
    return None


def _is_state_dict(value: Mapping[Any, Any]) -> bool:
    import torch

    return bool(value) and all(isinstance(k, str) and isinstance(v, torch.Tensor) for k, v in value.items())


def some_names(keys: Iterable[str]) -> str:
    """Return the first few names of many, in order of the alphabet."""
    names = sorted(keys)
    return ", ".join(names[:_NAMES_SHOWN]) + (", ..." if len(names) > _NAMES_SHOWN else "")
