"""Leave out of a record what says whose machine it was: paths, and the names of people in them."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

_SEPARATOR = r"[\\/]"
_HOME: Final = re.compile(
    rf"(?:[A-Za-z]:)?{_SEPARATOR}(?:home|Users|Documents and Settings){_SEPARATOR}[^\\/:'\"<>|\n]+"
)
"""A person's folder, whose name may hold spaces."""
_FOLDERS: Final = re.compile(
    rf"(?<![\w.:/\\~*])(?:file://)?(?:[A-Za-z]:)?{_SEPARATOR}{{1,2}}(?:[^\s\\/:'\"<>|,;()]+{_SEPARATOR})+"
)
"""The folders of an absolute path, before the name of a file; a URL has its `//` after a colon."""
_LEFT_OUT: Final = "_path"
"""Entries of `run.json` with names that end so are about this machine."""


def text(value: str) -> str:
    """Return a text in which absolute paths are the names of their files: `.../model.py`."""
    value = value.replace(str(Path.home()), "~") if len(str(Path.home())) > 1 else value
    value = _HOME.sub("~", value)
    return _FOLDERS.sub(".../", value.replace("~/", "/~/").replace("~\\", "\\~\\"))


def record(value: Any) -> Any:
    """Return JSON without entries that end in `_path`, and without absolute paths in its texts."""
    if isinstance(value, Mapping):
        kept = {key: one for key, one in value.items() if not str(key).endswith(_LEFT_OUT)}
        return {key: record(one) for key, one in kept.items()}
    if isinstance(value, list | tuple):
        return [record(one) for one in value]
    return text(value) if isinstance(value, str) else value
