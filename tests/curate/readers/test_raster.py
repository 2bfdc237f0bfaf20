import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

from curate import readers
from curate.errors import ReadError

GREY = np.arange(30, dtype=np.uint8).reshape(5, 6) * 8


@pytest.fixture
def saved(tmp_path):
    """Return a function that saves a picture and returns its path."""

    def call(picture, name="picture.png", **options):
        picture.save(tmp_path / name, **options)
        return tmp_path / name

    return call


def bomb(side):
    """Return a PNG of a few bytes that claims `side` x `side` pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 999)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def rows(volume):
    """Return a grey picture as rows of columns."""
    return volume.voxels[:, :, 0].T


@pytest.mark.parametrize(
    ("picture", "name", "dtype", "expected"),
    [
        (Image.fromarray(GREY), "a.png", "uint8", GREY),
        (Image.fromarray(GREY > 99), "a.png", "uint8", GREY > 99),  # 1 bit: 0 and 1, not 0 and 255
        (Image.fromarray(GREY.astype(np.uint16) * 250), "a.png", "uint16", GREY.astype(int) * 250),
        (Image.frombytes("I;16B", (6, 5), (GREY * 250.0).astype(">u2").tobytes()), "a.tif", "uint16", GREY * 250.0),
        (Image.fromarray(GREY.astype(np.int32) * 99_999), "a.tif", "int32", GREY * 99_999.0),
        (Image.fromarray(GREY / np.float32(7)), "a.tif", "float32", GREY / np.float32(7)),
        (Image.fromarray(np.stack([GREY, 255 - GREY], axis=-1), "LA"), "a.png", "uint8", GREY),  # alpha goes
    ],
    ids=["8 bit", "1 bit", "16 bit", "16 bit big-endian", "32 bit", "float", "grey and alpha"],
)
def test_grey_pictures_keep_their_numbers(saved, picture, name, dtype, expected):
    """Bits, byte order and alpha are affairs of the file; pixels come back as native numbers."""
    volume = readers.read(saved(picture, name))
    assert volume.voxels.dtype == np.dtype(dtype)
    assert volume.voxels.dtype.isnative
    assert (rows(volume) == expected).all()


def test_a_palette_picture_gives_its_indices(saved):
    """Label maps are often saved with a palette for the eye: the index is the label, the colour is paint."""
    picture = Image.fromarray(GREY // 60, "P")
    picture.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9])
    assert (rows(readers.read(saved(picture))) == GREY // 60).all()


def test_alpha_is_dropped_from_colour(saved):
    """RGBA becomes RGB with its colours unchanged, also where a pixel is transparent."""
    colours = np.random.default_rng(11).integers(0, 255, (5, 6, 4)).astype(np.uint8)
    volume = readers.read(saved(Image.fromarray(colours, "RGBA")))
    assert volume.voxels.shape == (6, 5, 1, 3)
    assert (volume.voxels[:, :, 0].swapaxes(0, 1) == colours[..., :3]).all()


@pytest.mark.parametrize("mode", ["CMYK", "LAB"])
def test_other_colour_spaces_become_red_green_blue(saved, mode):
    """Four inks and lightness with two opponents are no RGBA: a red picture is red."""
    picture = Image.new("RGB", (6, 5), (250, 10, 10)).convert(mode)
    red, green, blue = readers.read(saved(picture, "a.tif")).voxels[0, 0, 0].tolist()
    assert red > 230
    assert max(green, blue) < 40


def test_colour_has_no_spacing(saved):
    """A picture states no millimetres, even where it states dots per inch."""
    header = readers.header(saved(Image.new("RGB", (6, 5)), dpi=(300, 300)))
    assert (header.geometry.spacing_mm, header.verdict, header.bytes_per_voxel) == (None, "none", 3)
    assert header.geometry.shape_ijk == (6, 5, 1)


@pytest.mark.parametrize(("name", "frames"), [("stack.tif", 3), ("stack.png", 2)])
def test_several_frames_are_no_picture(saved, name, frames):
    """A stack is refused by its header: which frame would be meant?"""
    pictures = [Image.fromarray(GREY + n) for n in range(frames)]
    path = saved(pictures[0], name, save_all=True, append_images=pictures[1:])
    with pytest.raises(ReadError, match=rf"^{name}: {frames} frames, expected one") as caught:
        readers.header(path)
    assert caught.value.code == "not_a_volume"


@pytest.mark.parametrize("side", [20_000, 2**31 - 1])
def test_a_decompression_bomb_is_too_large(tmp_path, side):
    """A few bytes that claim 400 million pixels are refused before they are unpacked."""
    (tmp_path / "bomb.png").write_bytes(bomb(side))
    with pytest.raises(ReadError, match=rf"^bomb\.png: Image size \({side**2} pixels\) exceeds limit") as caught:
        readers.header(tmp_path / "bomb.png")
    assert caught.value.code == "too_large"


def test_a_large_picture_is_no_reason_to_warn(tmp_path):
    """100 million pixels are allowed, without a word from Pillow."""
    (tmp_path / "large.png").write_bytes(bomb(10_000))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert readers.header(tmp_path / "large.png").shape == (10_000, 10_000, 1)


@pytest.mark.parametrize(
    "content",
    [b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n", b"P5 2 2 255\n1234"],
    ids=["PostScript", "PGM"],
)
def test_other_formats_inside_are_refused(tmp_path, content):
    """PostScript that is called .png is never handed to an interpreter; nor is any other format guessed."""
    (tmp_path / "picture.png").write_bytes(content)
    with pytest.raises(ReadError, match=r"^picture\.png: neither PNG nor JPG nor TIFF inside") as caught:
        readers.read(tmp_path / "picture.png")
    assert caught.value.code == "unreadable"


def test_a_png_that_is_called_jpg_is_read(saved, tmp_path):
    """The three picture formats may carry each other's suffix, as they do in many public datasets."""
    path = saved(Image.fromarray(GREY)).rename(tmp_path / "picture.jpg")
    assert (rows(readers.read(path)) == GREY).all()
