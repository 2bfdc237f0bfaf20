"""Arrays between two processes: .npy files in a folder that both see, in memory where there is room."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.models.process.program import ProgramError

_MEMORY = Path("/dev/shm")  # noqa: S108, the memory file system of Linux
_ROOM = 2 << 30
"""Bytes that must be free there; containers often have 64 MB."""
_HEADER = 4096
"""More than the header of any .npy file that is taken."""


def new_folder() -> Path:
    """Return a new folder that only this user can open: in memory where there is room, else where `TMPDIR` says."""
    roomy = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free >= _ROOM
    return Path(tempfile.mkdtemp(prefix="medseen-", dir=_MEMORY if roomy else None))


def write(path: Path, voxels: NDArray[Any]) -> None:
    """Write an array in the byte order of this machine, i or k fastest as it lies in memory."""
    native = np.asarray(voxels, dtype=voxels.dtype.newbyteorder("="))
    whole = native if native.flags.forc else np.ascontiguousarray(native)  # numpy saves others forty times slower
    np.save(path, whole, allow_pickle=False)


def take(folder: Path, name: Any, most_values: int) -> NDArray[Any]:
    """Read the array of a file in the folder, and remove the file.

    Args:
        folder: The shared folder.
        name: What the other process says: the name of a .npy file in it.
        most_values: More are refused before they are read.

    Raises:
        ProgramError: When there is no such file, or it is no array of a plain type.
    """
    if not isinstance(name, str) or Path(name).name != name:
        raise ProgramError(f"answered with the file {name!r:.80}, expected the name of a .npy file in the folder")
    path = folder / name
    try:
        if path.stat().st_size > 8 * most_values + _HEADER:
            raise ProgramError(f"answered with {path.stat().st_size} bytes in {name}, more than the image has room for")
        return np.asarray(np.load(path, allow_pickle=False))
    except (OSError, ValueError, EOFError) as error:
        raise ProgramError(f"answered with {name}, which cannot be read: {error}") from error
    finally:
        path.unlink(missing_ok=True)
