"""Compare a model's whole inference with golden outputs on real images: read, resample, cut, segment, bring back.

A golden file of this kind holds one case per image, `<case>/<array>`, and names its images by their paths in a corpus.
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from bench.golden import golden_weight
from bench.golden.arrays import ADVICE, read_arrays, relative_error, require_comparable
from curate import volume
from curate.errors import ReadError, UnknownNameError, UsageError
from curate.geometry import Geometry
from curate.labelmap import BoxMask, extract
from curate.volume import Volume

MODELS: Mapping[str, str] = {
    "sam-med3d": "bench.models.sam_med3d.golden_native",
    "sam-med3d-native": "bench.models.sam_med3d.golden_native",
}
"""Name -> module whose `pipeline(weight)` gives a function of image, label and click, which gives the arrays."""
INPUTS = ("image_path", "mask_path", "label_value", "click_ijk")
"""What a case says was fed in."""
_MASK = "native_mask_strided"
"""The array whose error is the share of voxels that differ."""
_EXACT = ("roi_label_voxels", "roi_label_bbox", "native_shape")
_LIMIT = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class _Case:
    """One image of a golden file."""

    name: str
    inputs: Mapping[str, NDArray[Any]]
    expected: Mapping[str, NDArray[Any]]


def is_pipeline(path: Path) -> bool:
    """Tell whether a golden file is about real images, by the names of its arrays.

    Raises:
        UsageError: When the file cannot be read.
    """
    return any("/" in name for name in read_arrays(path))


def check(model: str, path: Path, corpus: Path) -> list[dict[str, Any]]:
    """Compute every array of a golden file again, from the images themselves.

    Args:
        model: A name in `MODELS`.
        path: A .npz file with `<case>/<array>`; each case has `INPUTS` and arrays of the published inference.
        corpus: Folder in which `image_path` and `mask_path` lie.

    Returns:
        A row for each array: `array`; `error`, the share of voxels that differ for `native_mask_strided`, for the
        others max|a - b| / max(1, max|b|); `limit`, 0 where an array must be equal; `result`, pass or fail.

    Raises:
        UnknownNameError: When the model has no golden inference.
        UsageError: When the file is damaged or lacks something, or an image is not in the corpus.
    """
    if model not in MODELS:
        known = ", ".join(sorted(MODELS))
        raise UnknownNameError(f"no golden inference on real images for model {model!r}; known: {known}")
    cases = _cases(path)
    answer = importlib.import_module(MODELS[model]).pipeline(golden_weight)
    rows: list[dict[str, Any]] = []
    for case in cases:
        image, label = _read(case, corpus)
        i, j, k = (int(n) for n in case.inputs["click_ijk"])
        rows += _compared(path, case, answer(image, label, (i, j, k)))
    return rows


def _cases(path: Path) -> list[_Case]:
    arrays: dict[str, dict[str, NDArray[Any]]] = {}
    for key, array in read_arrays(path).items():
        name, separator, what = key.rpartition("/")
        if not separator:
            raise UsageError(f"{path}: {key} belongs to no case, such as CASE/{key}; leave --corpus out")
        arrays.setdefault(name, {})[what] = array
    for name, found in arrays.items():
        missing = [what for what in INPUTS if what not in found]
        if missing:
            raise UsageError(f"{path}: case {name} lacks {', '.join(missing)}; {ADVICE}")
        if found["click_ijk"].shape != (3,) or found["click_ijk"].dtype.kind not in "iu":
            raise UsageError(f"{path}: case {name}: click_ijk is no voxel of three whole numbers; {ADVICE}")
    return [_Case(name, {what: found.pop(what) for what in INPUTS}, found) for name, found in arrays.items()]


def _read(case: _Case, corpus: Path) -> tuple[Volume, BoxMask]:
    paths = [corpus / str(case.inputs[what]) for what in ("image_path", "mask_path")]
    for path in paths:
        if not path.is_file():
            raise UsageError(f"{path}: no such file; name the folder of the golden images with --corpus DIR")
    try:
        image, label = (volume.read(path) for path in paths)
    except ReadError as error:
        raise UsageError(f"{error}; check --corpus") from error
    mask = extract(label.voxels, [int(case.inputs["label_value"])])
    if mask.shape_ijk != image.geometry.shape_ijk or mask.count == 0:
        raise UsageError(f"{paths[1]}: holds no {case.inputs['label_value']} on the grid of the image; check --corpus")
    geometry = Geometry(image.geometry.shape_ijk, image.geometry.affine, "mm")  # some of the files state no unit
    return Volume(image.voxels, geometry), mask


def _compared(path: Path, case: _Case, computed: Mapping[str, NDArray[Any]]) -> list[dict[str, Any]]:
    require_comparable(path, case.expected, computed, f"the inference (case {case.name})")
    rows = []
    for name, expected in case.expected.items():
        limit = 0.0 if name in _EXACT else _LIMIT
        found = computed[name]
        error = float((found != expected).mean()) if name == _MASK else relative_error(found, expected, name)
        result = "pass" if error <= limit else "fail"
        rows.append({"array": f"{case.name}/{name}", "error": float(f"{error:.3g}"), "limit": limit, "result": result})
    return rows
