"""From names to things: shipped files, users' files, strict TOML, and objects from entry points."""

from curate.plugins.registry import Registry
from curate.plugins.shipped import find, shipped_folder, shipped_names
from curate.plugins.strict import StrictModel, load_toml, nearest

__all__ = ["Registry", "StrictModel", "find", "load_toml", "nearest", "shipped_folder", "shipped_names"]
