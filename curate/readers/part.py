"""Which part of a file is meant, and how it is to be seen, where a file leaves a choice."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from curate.errors import ReadError
from curate.readers.header import Header, volumes

_MOST_SHOWN = 6
"""Names of arrays in a message."""


@dataclass(frozen=True, slots=True)
class Part:
    """One 3D array of a file."""

    array: str | None = None
    """Name of the array, in formats that hold several."""
    volume_index: int | None = None
    """Which 3D volume of a 4D array, counted from 0 along the fourth axis."""
    colours: bool = False
    """True for what the eye sees of a picture with a palette; False for its indices, which are what labels are."""


WHOLE = Part()
"""The file's only array."""


def choose_array(arrays: Mapping[str, bool], part: Part, path: Path) -> str:
    """Return the name of the array that is meant.

    Args:
        arrays: Every array of the file -> whether it could be an image: numbers along two axes or more.
        part: Its `array`, where one is given, is the name.
        path: The file, for messages.

    Raises:
        ReadError: `ambiguous_file` when several could be meant, `unreadable` when there is none or not the given one.
    """
    if part.array is not None:
        if part.array not in arrays:
            raise ReadError("unreadable", f"{path.name}: no array {_shown([part.array])}; there is {_shown(arrays)}")
        return part.array
    names = [name for name, is_image in arrays.items() if is_image] or list(arrays)
    if not names:
        raise ReadError("unreadable", f"{path.name}: holds no array")
    if len(names) > 1:
        found = f"{len(names)} arrays ({_shown(names)})"
        raise ReadError("ambiguous_file", f"{path.name}: {found}; name one of them with `array`")
    return names[0]


def one_volume(header: Header, part: Part, path: Path) -> Header:
    """Return the header of the one volume that is meant; unchanged where none is chosen.

    Raises:
        ReadError: `not_a_volume` when the array has no volume of that number.
    """
    if part.volume_index is None:
        return header
    found = volumes(header.shape)
    if found is None or not 0 <= part.volume_index < found:
        held = "no volumes along a fourth axis" if found is None else f"{found} volumes"
        wrong = f"{path.name}: no volume with `volume_index` {part.volume_index}, counted from 0"
        raise ReadError("not_a_volume", f"{wrong}; shape {header.shape} holds {held}")
    return replace(header, shape=header.shape[:3])


def _shown(names: Mapping[str, bool] | list[str]) -> str:
    """Spell out names of unknown origin: at most a line, in ASCII."""
    words = [ascii(name) if len(name) <= 40 else f"{name[:40]!a}..." for name in list(names)[:_MOST_SHOWN]]
    return ", ".join([*words, *(["..."] if len(names) > _MOST_SHOWN else [])]) or "none"
