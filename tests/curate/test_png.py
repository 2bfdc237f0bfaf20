"""PNG files against Pillow, scikit-image and the structure that the standard asks for."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from skimage import io as skimage_io

from curate import png

SHAPES = st.tuples(st.integers(1, 9), st.integers(1, 9)).flatmap(
    lambda plane: st.sampled_from([plane, *((*plane, channels) for channels in (1, 2, 3, 4))])
)


def chunks(content):
    """Return kind and content of each chunk, after checking lengths and checksums."""
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    found, place = [], 8
    while place < len(content):
        length = struct.unpack(">I", content[place : place + 4])[0]
        body = content[place + 4 : place + 8 + length]
        assert struct.unpack(">I", content[place + 8 + length : place + 12 + length])[0] == zlib.crc32(body)
        found.append((body[:4], body[4:]))
        place += 12 + length
    return found


@settings(deadline=None, max_examples=200)
@given(st.data(), SHAPES)
def test_pillow_reads_every_picture(data, shape):
    """Grey, grey with alpha, RGB and RGBA of any size come back pixel by pixel."""
    plane = data.draw(hnp.arrays(np.uint8, shape))
    with Image.open(io.BytesIO(png.encode(plane))) as picture:
        picture.verify()
    with Image.open(io.BytesIO(png.encode(plane))) as picture:
        assert (np.asarray(picture).reshape(shape) == plane).all()


@pytest.mark.parametrize("dtype", ["uint16", ">u2"])
def test_sixteen_bits_are_kept(tmp_path, dtype):
    """Every value of 16 bits survives, whatever the byte order in memory."""
    plane = np.arange(65536).reshape(256, 256).astype(dtype)
    (tmp_path / "a.png").write_bytes(png.encode(plane))
    assert (skimage_io.imread(tmp_path / "a.png") == plane).all()
    with Image.open(tmp_path / "a.png") as picture:
        assert (np.asarray(picture) == plane).all()


def test_a_file_has_the_chunks_of_the_standard():
    """Header, data and end, with right lengths and checksums; all rows are there, each with its filter."""
    plane = np.random.default_rng(0).integers(0, 256, (50, 40, 3), dtype=np.uint8)
    found = chunks(png.encode(plane))
    assert [kind for kind, _ in found] == [b"IHDR", b"IDAT", b"IEND"]
    assert found[0][1] == struct.pack(">IIBBBBB", 40, 50, 8, 2, 0, 0, 0)
    assert len(zlib.decompress(found[1][1])) == 50 * (1 + 40 * 3)


@pytest.mark.parametrize(("steps", "filter_type"), [(0, 0), (1, 2)])
def test_the_smaller_of_two_filters_is_taken(steps, filter_type):
    """A mask is stored as it is, a picture that varies smoothly from row to row as differences."""
    rows, columns = np.mgrid[:128, :128]
    noise = np.random.default_rng(1).integers(0, 256, 128)
    plane = (noise + rows).astype(np.uint8) if steps else ((rows // 40 + columns // 50) % 2 * 255).astype(np.uint8)
    packed = dict(chunks(png.encode(plane)))[b"IDAT"]
    assert zlib.decompress(packed)[0] == filter_type


def test_a_view_is_the_picture_that_it_shows():
    """Turned, cut and mirrored views need no copy first."""
    plane = np.random.default_rng(2).integers(0, 256, (30, 20, 3), dtype=np.uint8)
    view = np.swapaxes(plane, 0, 1)[::-1, 3:]
    assert png.encode(view) == png.encode(np.ascontiguousarray(view))
