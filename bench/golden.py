"""Compare a model with golden outputs: the published network's answers under weights that anyone can draw again.

Every state-dict entry is drawn from its own key, so that no checkpoint file is needed: two networks with the same keys
get the same numbers, and agree to rounding if they compute the same.
"""

import importlib
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from curate.errors import MedseenError, UnknownNameError, UsageError

INPUTS = ("input_name", "points", "labels")
"""What a golden file says was fed in; the other arrays are what came out."""


@dataclass(frozen=True, slots=True)
class Golden:
    """How a model computes its golden outputs again."""

    module: str
    """Has `answers(weight, image, inputs)`, which returns every array of the model's golden file by name."""
    axes: int
    """Coordinates of a point."""


MODELS: Mapping[str, Golden] = {"sam-med3d": Golden("bench.models.sam_med3d.golden", axes=3)}


def golden_weight(key: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return the golden value of one state-dict entry: normal numbers, scaled so that activations stay near one.

    Args:
        key: Full state-dict key.
        shape: Shape of the entry.

    Returns:
        float32 of that shape; int64 zeros for `num_batches_tracked`.
    """
    if key.endswith("num_batches_tracked"):
        return np.zeros(shape, dtype=np.int64)
    normal = _normal(key, shape)
    if key.endswith("positional_encoding_gaussian_matrix") or _is_token(key, shape):
        return normal
    if "rel_pos" in key or key.endswith("pos_embed"):
        return 0.5 * normal
    if key.endswith("running_var"):
        return 1 + 0.1 * np.abs(normal)
    if len(shape) == 1:
        return 1 + 0.1 * normal if key.endswith(".weight") else 0.1 * normal
    return normal / np.float32(math.sqrt(math.prod(shape[1:])))


def golden_image(name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return the golden input called `name`: standard normal, float32."""
    return _normal(name, shape)


def check(model: str, path: Path) -> dict[str, float]:
    """Compute every array of a golden file again and return how far off each one is.

    Args:
        model: A name in `MODELS`.
        path: A .npz file: `input_name`, `points`, `labels`, and the arrays that the published network gave.

    Returns:
        Array name -> max|a - b| / max(1, max|b|), where b is the file's; below 1e-4 is agreement.

    Raises:
        UnknownNameError: When the model has no golden outputs.
        UsageError: When the file is damaged, lacks an array or holds another model's.
        MedseenError: When the network answers with values that are not finite.
    """
    if model not in MODELS:
        raise UnknownNameError(f"no golden outputs for model {model!r}; known: {', '.join(sorted(MODELS))}")
    stored = _read(path)
    inputs = {name: stored.pop(name) for name in INPUTS}
    _require_prompts(path, inputs, MODELS[model].axes)
    computed = importlib.import_module(MODELS[model].module).answers(golden_weight, golden_image, inputs)
    _require_same_arrays(path, stored, computed, model)
    return {name: _error(computed[name], stored[name], name) for name in stored}


def _normal(name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    generator = np.random.Generator(np.random.PCG64(zlib.crc32(name.encode())))
    return generator.standard_normal(shape).astype(np.float32)


def _is_token(key: str, shape: tuple[int, ...]) -> bool:
    """Tell whether an entry is a small table of learned tokens, which networks use unscaled."""
    return len(shape) == 2 and shape[0] <= 8 and key.endswith(".weight") and ("embed" in key or "token" in key)


def _read(path: Path) -> dict[str, NDArray[Any]]:
    """Read a golden file; nothing in it is unpickled."""
    advice = "name a golden .npz file with --golden FILE"
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, BadZipFile, zlib.error, TypeError) as error:
        raise UsageError(f"{path}: cannot be read as plain arrays ({type(error).__name__}); {advice}") from error
    missing = [name for name in INPUTS if name not in arrays]
    if missing:
        raise UsageError(f"{path}: lacks {', '.join(missing)}; {advice}")
    return arrays


def _require_prompts(path: Path, inputs: Mapping[str, NDArray[Any]], axes: int) -> None:
    points, labels = inputs["points"], inputs["labels"]
    if inputs["input_name"].size != 1 or points.dtype.kind not in "fiu" or labels.dtype.kind not in "fiu":
        raise UsageError(f"{path}: needs one input_name, numeric points and labels; check --golden")
    if points.shape != (labels.size, axes) or labels.ndim != 1 or not labels.size or not np.isin(labels, (0, 1)).all():
        raise UsageError(
            f"{path}: points {points.shape} and labels {labels.tolist()} are no (n, {axes}) and n labels of 0 or 1; "
            "check MODEL and --golden"
        )


def _require_same_arrays(
    path: Path, stored: Mapping[str, NDArray[Any]], computed: Mapping[str, NDArray[Any]], model: str
) -> None:
    missing, unknown = sorted(computed.keys() - stored.keys()), sorted(stored.keys() - computed.keys())
    if missing or unknown:
        found = "; ".join(
            f"{what} {', '.join(names)}" for what, names in (("lacks", missing), ("holds", unknown)) if names
        )
        raise UsageError(f"{path}: is no golden file of {model}: {found}; check MODEL and --golden")
    for name, array in stored.items():
        if array.shape != computed[name].shape or array.dtype.kind not in "fiu" or not np.isfinite(array).all():
            raise UsageError(
                f"{path}: {name} is {array.dtype} {array.shape}, expected finite numbers {computed[name].shape}; "
                "check MODEL and --golden"
            )


def _error(computed: NDArray[Any], stored: NDArray[Any], name: str) -> float:
    """Return the largest difference, relative to the largest stored value where that is above one."""
    found, expected = computed.astype(np.float64), stored.astype(np.float64)
    if not np.isfinite(found).all():
        raise MedseenError(f"{name}: the network answers with NaN or infinity on this machine")
    return float(np.abs(found - expected).max() / max(1.0, np.abs(expected).max()))
