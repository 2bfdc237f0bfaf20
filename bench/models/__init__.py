"""Models by name: built in, from entry points (`medseen.models`), a user's own file, or a program (`exec:`)."""

import hashlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from bench import devices
from bench.models.base import Model, ModelCard, ReferenceModel
from bench.models.choice import Choice
from curate.errors import UnknownNameError, UsageError
from curate.files import sha256_of_file
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
        "sam-med3d-crop": "bench.models.sam_med3d.model:SamMed3DCrop",
        "sam-med3d-native": "bench.models.sam_med3d.model:SamMed3DNative",
        "sam-med2d": "bench.models.sam_med2d.model:SamMed2D",
        "sam-unet-res34": "bench.models.sam_unet.model:SamUNetRes34",
        "sam-unet-res50": "bench.models.sam_unet.model:SamUNetRes50",
        "sam-vit-b": "bench.models.sam.model:SamVitB",
        "sam-vit-l": "bench.models.sam.model:SamVitL",
        "sam-vit-h": "bench.models.sam.model:SamVitH",
        "sam-vit-b-256": "bench.models.sam.model:SamVitB256",
        "label-files": "bench.models.label_files.model:LabelFiles",
        "torchscript": "bench.models.adapters.torchscript:TorchScript",
        "onnx": "bench.models.adapters.onnx:Onnx",
        "monai-bundle": "bench.models.adapters.monai_bundle:MonaiBundle",
        "vista3d": "bench.models.adapters.vista3d:Vista3d",
        "sam-transformers": "bench.models.adapters.transformers_sam:SamTransformers",
        "sam2": "bench.models.adapters.transformers_sam:Sam2Transformers",
        "medsam": "bench.models.adapters.medsam:MedSam",
        "nninteractive": "bench.models.adapters.nninteractive:NnInteractive",
    },
)
_PROGRAM = "exec:"
_OWN_ARGUMENTS = ("weights", "device")
"""Arguments of a model that are no options: `--weights` and `--device` give them."""


def make(choice: Choice) -> AnyModel:
    """Make the model that was chosen; errors as of `load`."""
    return load(choice.name, choice.weights, choice.device, choice.options)


def load(
    name: str, weights: Path | None = None, device: str = "cpu", options: Iterable[tuple[str, Any]] = ()
) -> AnyModel:
    """Make a model.

    Args:
        name: A shipped or installed model, `path/to/file.py:Name` for a user's own class or function, or
            `exec:COMMAND` for a program that talks the protocol of `docs/your-model.md`.
        weights: Checkpoint, for models that need one.
        device: Torch device, for models that use one.
        options: Further keyword arguments, by name.

    Returns:
        What `Name(weights=..., device=..., **options)` gives; of the first two only what it takes is handed over.

    Raises:
        UnknownNameError: When nothing has that name.
        UsageError: When the model takes no weights and some were given, needs some, has no such option, or cannot be
            made.
    """
    factory = _factory(name)
    given = {"weights": _local(name, factory, weights), "device": device}
    changes = dict(options)
    _check_options(name, factory, changes)
    try:
        model = factory(**{key: value for key, value in given.items() if _takes(factory, key)}, **changes)
    except UsageError:
        raise
    except (Exception, SystemExit) as error:
        raise UsageError(f"model `{name}` cannot be made: {_one_line(error)}; check --model and --weights") from error
    _check(name, model)
    made: AnyModel = model
    return made


def weights_for(name: str, weights: Path | None) -> Path | None:
    """Return where a model's weights lie on disk, downloaded first where they are on a hub.

    Raises:
        UnknownNameError: When nothing has that name.
        UsageError: When the model takes no weights, or there is no such file.
    """
    return _local(name, _factory(name), weights)


def device_for(name: str, device: str) -> str:
    """Return where a model will run when `auto`, `cpu` or `cuda` is asked for: `cpu` where it takes no device.

    Raises:
        UnknownNameError: When nothing has that name.
        UsageError: When CUDA is asked for and the model takes no device, or there is none here.
    """
    if device == "cpu" or _takes(_factory(name), "device"):
        return devices.choose(device)
    if device != "auto":
        raise UsageError(f"model `{name}` takes no device; leave --device out")
    return "cpu"


def resolved(name: str) -> str:
    """Return a name that means the same in every working directory: paths of a user's own files are made absolute."""
    if name.startswith(_PROGRAM):
        from bench.models.process.model import resolved as resolved_command

        return _PROGRAM + resolved_command(name.removeprefix(_PROGRAM))
    path, separator, attribute = name.rpartition(":")
    return f"{Path(path).resolve()}{separator}{attribute}" if _is_file_name(name) else name


def source_sha256(name: str) -> str | None:
    """Return the SHA-256 of the user's own files that a model comes from; None for shipped and installed models."""
    if name.startswith(_PROGRAM):
        from bench.models.process.model import source_sha256 as command_sha256

        return command_sha256(name.removeprefix(_PROGRAM))
    return sha256_of_file(Path(name.rpartition(":")[0])) if _is_file_name(name) else None


def _factory(name: str) -> Callable[..., Any]:
    if name.startswith(_PROGRAM):
        from bench.models.process.model import ExecModel

        return partial(ExecModel, name.removeprefix(_PROGRAM))
    factory = _from_file(name) if _is_file_name(name) else REGISTRY.load(name)
    if not callable(factory):
        raise UsageError(f"model `{name}` is a {type(factory).__name__}; name a class, or a function that makes one")
    made: Callable[..., Any] = factory
    return made


def _local(name: str, factory: Callable[..., Any], weights: Path | None) -> Path | None:
    if weights is None:
        return None
    if not _takes(factory, "weights"):
        raise UsageError(f"model `{name}` has no weights; leave --weights out")
    from bench.models.weights import local_file

    return local_file(weights)


def _is_file_name(name: str) -> bool:
    return ".py:" in name and not name.startswith(_PROGRAM)


def _takes(factory: Callable[..., Any], argument: str) -> bool:
    parameters = inspect.signature(factory).parameters
    return argument in parameters or any(one.kind is one.VAR_KEYWORD for one in parameters.values())


def _check_options(name: str, factory: Callable[..., Any], options: Iterable[str]) -> None:
    """Refuse options that a model does not take by name; one that takes any name refuses by itself."""
    for option in options:
        if name.startswith(_PROGRAM):
            raise UsageError(f"--set {option}: a program takes its options in its command, `exec:COMMAND ...`")
        if option in _OWN_ARGUMENTS or not _takes(factory, option):
            kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
            named = [key for key, one in inspect.signature(factory).parameters.items() if one.kind in kinds]
            known = ", ".join(key for key in named if key not in _OWN_ARGUMENTS) or "none"
            raise UsageError(f"model `{name}` has no option `{option}`; known: {known}")


def _check(name: str, model: Any) -> None:
    """Refuse what is no model, before an evaluation depends on it."""
    if not isinstance(model, Model | ReferenceModel):
        raise UsageError(f"model `{name}` needs a `card` and `open(image)`; found {type(model).__name__}")
    if not isinstance(model.card, ModelCard):
        raise UsageError(f"model `{name}`: `card` must be a bench.models.base.ModelCard, found {model.card!r:.80}")
    if isinstance(model, ReferenceModel) and not model.card.sees_reference:
        raise UsageError(f"model `{name}` is shown the reference; its card must say sees_reference=True")


def _from_file(name: str) -> Any:
    path, _, attribute = name.rpartition(":")
    if not Path(path).is_file():
        raise UnknownNameError(f"{path}: no such file; --model takes a name or path/to/file.py:Name")
    full = str(Path(path).resolve())
    own_name = f"{Path(path).stem}_{hashlib.sha256(full.encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(own_name, full)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path}: cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[own_name] = module  # dataclasses and pickle look a class's module up there
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise UsageError(f"{path}: cannot be imported: {_one_line(error)}") from error
    if not hasattr(module, attribute):
        raise UnknownNameError(f"{path} has no `{attribute}`")
    return getattr(module, attribute)


def _one_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
