"""Pictures: PNG, JPG, TIFF, BMP and GIF, through Pillow. They state no spacing that one could trust."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from curate.errors import ReadError
from curate.readers.deep import BITS_PER_SAMPLE, deep_dtype, deep_planes
from curate.readers.header import Header
from curate.readers.part import WHOLE, Part
from curate.readers.quiet import quiet
from curate.volume import Volume, decoding, from_planes

if TYPE_CHECKING:
    from PIL.Image import Image

_FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF")
"""What pictures may be, by content; Pillow would also run PostScript that is called .png."""
_TIFF = (".tif", ".tiff")
_MOST_PAGES = 10_000
_BYTES_PER_CHANNEL = {"I;16": 2, "I;16B": 2, "I;16L": 2, "I": 4, "F": 4}
"""Pillow modes; others have a byte per channel."""
_OTHER_COLOUR_MODES = {"CMYK", "YCbCr", "LAB", "HSV", "RGBX", "RGBa"}
"""Pillow modes whose channels are not red, green, blue[, alpha]."""
_PALETTE_MODES = {"P", "PA"}


class RasterReader:
    """Reads one picture, or the pages of a TIFF stack, as (column, row, page[, channel]) on a pixel grid.

    A picture with a palette gives its indices, which are the labels of a label map whatever they are painted in; as
    `part.colours` it gives what the eye sees, in grey where all its colours are.
    """

    suffixes = (".png", ".jpg", ".jpeg", *_TIFF, ".bmp", ".gif")
    named_arrays = False

    def header(self, path: Path, part: Part = WHOLE) -> Header:
        """Read size and mode, of a TIFF stack those of every page.

        Raises:
            ReadError: `unreadable` when Pillow refuses it; `too_large` beyond Pillow's limit and for more than 10,000
                pages; `not_a_volume` for animations and for pages that differ.
        """
        with _opened(path) as picture:
            pages = _pages(picture, path)
            deep = deep_dtype(picture, path)
            channel_bytes = _BYTES_PER_CHANNEL.get(picture.mode, 1) if deep is None else deep.itemsize
            channels = 3 if _is_painted(picture, part) else len(picture.getbands())
            return Header((*picture.size, pages), np.eye(4), channels * channel_bytes, unit="pixel")

    def read(self, path: Path, part: Part = WHOLE) -> Volume:
        """Read the pixels; an alpha channel is dropped.

        Raises:
            ReadError: `unreadable` for truncated or damaged data.
        """
        with _opened(path) as picture:
            pages = _pages(picture, path)
            deep = deep_dtype(picture, path)
            if deep is not None:
                return without_alpha(from_planes(deep_planes(path, str(picture.format), deep)))
            return without_alpha(from_planes([_plane(picture, page, part) for page in range(pages)]))


@contextmanager
def _opened(path: Path) -> Iterator[Image]:
    """Open a picture; keep quiet what Pillow warns of and libtiff prints.

    Raises:
        ReadError: `unreadable` for whatever is raised inside, `too_large` beyond Pillow's limit.
    """
    from PIL import Image, UnidentifiedImageError

    with decoding(path, path.name), warnings.catch_warnings(), _quiet_tiff(path):
        warnings.filterwarnings("ignore", module=r"PIL\.")
        try:
            with Image.open(path, formats=_FORMATS) as picture:
                yield picture
        except Image.DecompressionBombError as error:
            raise ReadError("too_large", f"{path.name}: {error}") from error
        except UnidentifiedImageError as error:
            raise ReadError("unreadable", f"{path.name}: no PNG, JPG, TIFF, BMP or GIF that Pillow knows") from error


@contextmanager
def _quiet_tiff(path: Path) -> Iterator[None]:
    """Keep libtiff quiet; the other decoders print nothing, and need not wait for each other."""
    if path.name.lower().endswith(_TIFF):
        with quiet():
            yield
    else:
        yield


def _pages(picture: Image, path: Path) -> int:
    """Return the number of pages, which are alike.

    Raises:
        ReadError: `not_a_volume` for animations and for pages that differ, `too_large` for too many.
    """
    if picture.format != "TIFF":
        if getattr(picture, "is_animated", False):
            raise ReadError("not_a_volume", f"{path.name}: several frames, expected one")
        return 1
    first = _kind(picture)
    for page in range(1, _MOST_PAGES + 1):
        try:
            picture.seek(page)
        except EOFError:
            picture.seek(0)
            return page
        if (found := _kind(picture)) != first:
            raise ReadError("not_a_volume", f"{path.name}: page {page + 1} is {found}, the first is {first}")
    raise ReadError("too_large", f"{path.name}: more than {_MOST_PAGES} pages")


def _kind(page: Image) -> str:
    """Say what all pages of a stack must share."""
    bits = page.tag_v2.get(BITS_PER_SAMPLE, ())  # type: ignore[attr-defined]  # of the class that reads TIFF
    return f"{page.size[0]} x {page.size[1]} {page.mode} of {max(bits, default=1)} bits"


def _is_painted(picture: Image, part: Part) -> bool:
    """Tell whether the colours of a palette are wanted, or those of a space that is not red, green and blue."""
    return picture.mode in _OTHER_COLOUR_MODES or (part.colours and picture.mode in _PALETTE_MODES)


def _plane(picture: Image, page: int, part: Part) -> NDArray[Any]:
    """Return one page, (row, column[, channel])."""
    picture.seek(page)
    if not _is_painted(picture, part):
        return np.asarray(picture)
    plane = np.asarray(picture.convert("RGB"))
    colours = np.array(picture.getpalette() or [], dtype=np.uint8).reshape(-1, 3)
    is_grey = picture.mode in _PALETTE_MODES and (colours == colours[:, :1]).all()
    return plane[..., 0] if is_grey else plane


def without_alpha(volume: Volume) -> Volume:
    """Return a picture without its alpha channel; a grey one loses its channel axis."""
    if not volume.is_colour:
        return volume
    channels = volume.voxels.shape[3]
    voxels = volume.voxels[..., : channels - 1] if channels in (2, 4) else volume.voxels
    return Volume(voxels[..., 0] if voxels.shape[3] == 1 else voxels, volume.geometry)
