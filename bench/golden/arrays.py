"""Arrays of a golden file: read without running anything, held against those that a model computed."""

import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from curate.errors import MedseenError, UsageError

ADVICE = "name a golden .npz file with --golden FILE"


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Read a golden file; nothing in it is unpickled.

    Raises:
        UsageError: When the file is missing, damaged, or holds objects.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, BadZipFile, zlib.error, TypeError, AttributeError) as error:
        raise UsageError(f"{path}: cannot be read as plain arrays ({type(error).__name__}); {ADVICE}") from error


def require_comparable(
    path: Path, stored: Mapping[str, NDArray[Any]], computed: Mapping[str, NDArray[Any]], whose: str
) -> None:
    """Check that each stored array is one that was computed, of its shape, and finite.

    Raises:
        UsageError: When it is not, or nothing is stored.
    """
    unknown = sorted(stored.keys() - computed.keys())
    if unknown or not stored:
        found = f"holds {', '.join(unknown)}" if unknown else f"holds none of {', '.join(computed)}"
        raise UsageError(f"{path}: is no golden file of {whose}: {found}; check MODEL and --golden")
    for name, array in stored.items():
        if array.shape != computed[name].shape or array.dtype.kind not in "fiub" or not np.isfinite(array).all():
            raise UsageError(
                f"{path}: {name} is {array.dtype} {array.shape}, expected finite numbers {computed[name].shape}; "
                "check MODEL and --golden"
            )


def relative_error(computed: NDArray[Any], stored: NDArray[Any], name: str) -> float:
    """Return the largest difference, relative to the largest stored value where that is above one.

    Raises:
        MedseenError: When the computed values are not finite.
    """
    found, expected = computed.astype(np.float64), stored.astype(np.float64)
    if not np.isfinite(found).all():
        raise MedseenError(f"{name}: the network answers with NaN or infinity on this machine")
    return float(np.abs(found - expected).max() / max(1.0, np.abs(expected).max()))
