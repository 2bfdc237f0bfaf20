"""Compare a model with golden outputs: the published network's answers under weights that anyone can draw again.

Every state-dict entry is drawn from its own key, so that no checkpoint file is needed: two networks with the same keys
get the same numbers, and agree to rounding if they compute the same.
"""

import importlib
import math
import zlib
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.golden.arrays import ADVICE, read_arrays, relative_error, require_comparable
from curate.errors import UnknownNameError, UsageError


@dataclass(frozen=True, slots=True)
class Golden:
    """How a model computes its golden outputs again."""

    module: str
    """Has `answers(weight, image, inputs, **options)`, which returns every array of the model's golden file by name."""
    axes: int
    """Coordinates of a point."""
    options: Mapping[str, object] = field(default_factory=dict)
    """Which of several networks of one module."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """Return the arrays of a golden file that say what was fed in; the others are what came out."""
        return ("input_name", "points", "labels", *(("box",) if self.axes == 2 else ()))


MODELS: Mapping[str, Golden] = {
    "sam-med3d": Golden("bench.models.sam_med3d.golden", axes=3),
    "sam-med2d": Golden("bench.models.sam_med2d.golden", axes=2),
    "sam-unet-res34": Golden("bench.models.sam_unet.golden", axes=2, options={"layers": 34}),
    "sam-unet-res50": Golden("bench.models.sam_unet.golden", axes=2, options={"layers": 50}),
    "sam-vit-b": Golden("bench.models.sam.golden", axes=2),
    "sam-vit-b-256": Golden("bench.models.sam_med2d.golden", axes=2, options={"adapters": False}),
    "sam-vit-h": Golden("bench.models.sam.golden", axes=2, options={"size": "vit-h"}),
    "sam-vit-l": Golden("bench.models.sam.golden", axes=2, options={"size": "vit-l"}),
}


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


def require(model: str) -> None:
    """Refuse models without golden outputs.

    Raises:
        UnknownNameError: With the models that have some.
    """
    if model not in MODELS:
        raise UnknownNameError(f"no golden outputs for model {model!r}; known: {', '.join(sorted(MODELS))}")


def check(model: str, path: Path) -> dict[str, float]:
    """Compute every array of a golden file again and return how far off each one is.

    Args:
        model: A name in `MODELS`.
        path: A .npz file: `input_name`, `points`, `labels`, for 2D models `box`, and the arrays that the published
            network gave.

    Returns:
        Array name -> max|a - b| / max(1, max|b|), where b is the file's; below 1e-4 is agreement.

    Raises:
        UnknownNameError: When the model has no golden outputs.
        UsageError: When the file is damaged, lacks an array or holds another model's.
        MedseenError: When the network answers with values that are not finite.
    """
    require(model)
    golden = MODELS[model]
    stored = read_arrays(path)
    _require_names(golden.inputs, stored, f"{path}: lacks", ADVICE)
    inputs = {name: stored.pop(name) for name in golden.inputs}
    _require_prompts(path, inputs, golden.axes)
    answers = importlib.import_module(golden.module).answers
    computed = answers(golden_weight, golden_image, inputs, **golden.options)
    _require_names(computed, stored, f"{path}: is no golden file of {model}: lacks", "check MODEL and --golden")
    require_comparable(path, stored, computed, model)
    return {name: relative_error(computed[name], stored[name], name) for name in stored}


def _normal(name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    generator = np.random.Generator(np.random.PCG64(zlib.crc32(name.encode())))
    return generator.standard_normal(shape).astype(np.float32)


def _is_token(key: str, shape: tuple[int, ...]) -> bool:
    """Tell whether an entry is a small table of learned tokens, which networks use unscaled."""
    return len(shape) == 2 and shape[0] <= 8 and key.endswith(".weight") and ("embed" in key or "token" in key)


def _require_names(names: Iterable[str], stored: Container[str], what: str, advice: str) -> None:
    """Refuse a file that does not hold every one of `names`."""
    missing = sorted(name for name in names if name not in stored)
    if missing:
        raise UsageError(f"{what} {', '.join(missing)}; {advice}")


def _require_prompts(path: Path, inputs: Mapping[str, NDArray[Any]], axes: int) -> None:
    points, labels = inputs["points"], inputs["labels"]
    if inputs["input_name"].size != 1 or points.dtype.kind not in "fiu" or labels.dtype.kind not in "fiu":
        raise UsageError(f"{path}: needs one input_name, numeric points and labels; check --golden")
    if points.shape != (labels.size, axes) or labels.ndim != 1 or not labels.size or not np.isin(labels, (0, 1)).all():
        raise UsageError(
            f"{path}: points {points.shape} and labels {labels.tolist()} are no (n, {axes}) and n labels of 0 or 1; "
            "check MODEL and --golden"
        )
    box = inputs.get("box")
    if box is not None and not (box.dtype.kind in "fiu" and box.shape == (4,) and (box[:2] < box[2:]).all()):
        raise UsageError(f"{path}: box {box.tolist()} is no x0, y0, x1, y1 with x0 < x1 and y0 < y1; check --golden")
