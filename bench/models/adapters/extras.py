"""Packages that only some models need."""

import importlib
import importlib.util
from types import ModuleType

from curate.errors import UsageError


def needed(module: str, extra: str, model: str) -> ModuleType:
    """Import a module of an optional package.

    Args:
        module: Dotted name.
        extra: The extra of this distribution that installs its package.
        model: Who needs it.

    Raises:
        UsageError: When the package is not installed; the line says what to type.
    """
    package = module.partition(".")[0]
    if importlib.util.find_spec(package) is None:
        raise UsageError(f"{model} needs the package {package}: type python -m pip install 'medseen[{extra}]'")
    return importlib.import_module(module)
