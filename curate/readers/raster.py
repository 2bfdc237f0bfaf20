"""Pictures: PNG, JPG and TIFF, through Pillow. They state no spacing that one could trust."""

from pathlib import Path

import numpy as np

from curate.errors import ReadError
from curate.readers.header import Header
from curate.volume import Volume, read_raster

_BYTES_PER_PIXEL = {"1": 1, "L": 1, "P": 1, "LA": 2, "I;16": 2, "I;16B": 2, "RGB": 3, "RGBA": 4, "I": 4, "F": 4}


class RasterReader:
    """Reads one picture as (column, row, 1[, channel]) on a pixel grid."""

    suffixes = (".png", ".jpg", ".jpeg", ".tif", ".tiff")

    def header(self, path: Path) -> Header:
        """Read size and mode.

        Raises:
            ReadError: `unreadable` when Pillow refuses it; `not_a_volume` for stacks of several frames.
        """
        from PIL import Image

        try:
            with Image.open(path) as picture:
                frames, mode, size = getattr(picture, "n_frames", 1), picture.mode, picture.size
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise ReadError(
                "unreadable", f"{path.name}: {error.__class__.__name__}, no picture that Pillow reads"
            ) from error
        if frames > 1:
            raise ReadError("not_a_volume", f"{path.name}: {frames} frames, expected one")
        return Header((*size, 1), np.eye(4), _BYTES_PER_PIXEL.get(mode, 4), unit="pixel")

    def read(self, path: Path) -> Volume:
        """Read the pixels; an alpha channel is dropped.

        Raises:
            ReadError: `unreadable` for truncated or damaged data.
        """
        from PIL import Image

        try:
            volume = read_raster(path)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise ReadError("unreadable", f"{path.name}: {' '.join(str(error).split())[:200]}") from error
        return without_alpha(volume)


def without_alpha(volume: Volume) -> Volume:
    """Return a picture without its alpha channel; a grey one loses its channel axis."""
    if not volume.is_colour:
        return volume
    channels = volume.voxels.shape[3]
    voxels = volume.voxels[..., : channels - 1] if channels in (2, 4) else volume.voxels
    return Volume(voxels[..., 0] if voxels.shape[3] == 1 else voxels, volume.geometry)
