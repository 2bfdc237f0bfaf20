"""Pictures: PNG, JPG and TIFF, through Pillow. They state no spacing that one could trust."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from curate.errors import ReadError
from curate.readers.header import Header
from curate.readers.quiet import quiet
from curate.volume import RASTER_FORMATS, Volume, decoding, read_raster

_BYTES_PER_PIXEL = {"1": 1, "L": 1, "P": 1, "LA": 2, "I;16": 2, "I;16B": 2, "RGB": 3, "RGBA": 4, "I": 4, "F": 4}
_TIFF = (".tif", ".tiff")


class RasterReader:
    """Reads one picture as (column, row, 1[, channel]) on a pixel grid."""

    suffixes = (".png", ".jpg", ".jpeg", *_TIFF)

    def header(self, path: Path) -> Header:
        """Read size and mode.

        Raises:
            ReadError: `unreadable` when Pillow refuses it; `too_large` beyond Pillow's limit; `not_a_volume` for stacks
                of several frames.
        """
        from PIL import Image

        with _decoding(path), Image.open(path, formats=RASTER_FORMATS) as picture:
            frames, mode, size = getattr(picture, "n_frames", 1), picture.mode, picture.size
        if frames > 1:
            raise ReadError("not_a_volume", f"{path.name}: {frames} frames, expected one")
        return Header((*size, 1), np.eye(4), _BYTES_PER_PIXEL.get(mode, 4), unit="pixel")

    def read(self, path: Path) -> Volume:
        """Read the pixels; an alpha channel is dropped.

        Raises:
            ReadError: `unreadable` for truncated or damaged data.
        """
        with _decoding(path):
            return without_alpha(read_raster(path))


@contextmanager
def _decoding(path: Path) -> Iterator[None]:
    """Do as `decoding`, and keep quiet what Pillow warns of and libtiff prints."""
    from PIL import Image, UnidentifiedImageError

    warnings.filterwarnings("ignore", module=r"PIL\.")
    with decoding(path, path.name):
        try:
            if path.name.lower().endswith(_TIFF):
                with quiet():
                    yield
            else:
                yield
        except Image.DecompressionBombError as error:
            raise ReadError("too_large", f"{path.name}: {error}") from error
        except UnidentifiedImageError as error:
            raise ReadError("unreadable", f"{path.name}: neither PNG nor JPG nor TIFF inside") from error


def without_alpha(volume: Volume) -> Volume:
    """Return a picture without its alpha channel; a grey one loses its channel axis."""
    if not volume.is_colour:
        return volume
    channels = volume.voxels.shape[3]
    voxels = volume.voxels[..., : channels - 1] if channels in (2, 4) else volume.voxels
    return Volume(voxels[..., 0] if voxels.shape[3] == 1 else voxels, volume.geometry)
