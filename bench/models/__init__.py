"""Models by name: built in, from entry points (`medseen.models`), or from a user's own file."""

import importlib.util
import inspect
from pathlib import Path
from typing import Any

from bench.models.base import Model, ReferenceModel
from curate.errors import UnknownNameError, UsageError
from curate.plugins import Registry

AnyModel = Model | ReferenceModel

REGISTRY = Registry(
    kind="model",
    group="medseen.models",
    builtin={
        "oracle": "bench.models.reference:Oracle",
        "box-fill": "bench.models.reference:BoxFill",
        "empty": "bench.models.reference:Empty",
        "region-growing": "bench.models.region_growing:RegionGrowing",
        "sam-med3d": "bench.models.sam_med3d.model:SamMed3D",
    },
)


def load(name: str, weights: Path | None = None, device: str = "cpu") -> AnyModel:
    """Make a model.

    Args:
        name: A shipped or installed model, or `path/to/file.py:Name` for a user's own class or function.
        weights: Checkpoint, for models that need one.
        device: Torch device, for models that use one.

    Returns:
        What `Name(weights=..., device=...)` gives; only the arguments that it takes are handed over.

    Raises:
        UnknownNameError: When nothing has that name.
        UsageError: When the model takes no weights and some were given, needs some, or cannot be made.
    """
    factory = _from_file(name) if ".py:" in name else REGISTRY.load(name)
    taken = inspect.signature(factory).parameters
    if weights is not None and "weights" not in taken:
        raise UsageError(f"model `{name}` has no weights; leave --weights out")
    options: dict[str, Any] = {"weights": weights, "device": device}
    model = factory(**{key: value for key, value in options.items() if key in taken})
    if not isinstance(model, Model | ReferenceModel):
        raise UsageError(f"model `{name}` needs a `card` and `open(image)`; found {type(model).__name__}")
    return model


def _from_file(name: str) -> Any:
    path, _, attribute = name.rpartition(":")
    if not Path(path).is_file():
        raise UnknownNameError(f"{path}: no such file; --model takes a name or path/to/file.py:Name")
    spec = importlib.util.spec_from_file_location(Path(path).stem, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path}: cannot be imported")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UsageError(f"{path}: cannot be imported: {type(error).__name__}: {error}") from error
    if not hasattr(module, attribute):
        raise UnknownNameError(f"{path} has no `{attribute}`")
    return getattr(module, attribute)
