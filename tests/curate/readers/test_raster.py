import runpy
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from curate import readers
from curate.errors import ReadError
from curate.readers.part import Part

FILES = runpy.run_path(str(Path(__file__).parents[2] / "contract" / "reader_files.py"))
bomb = FILES["png_bomb"]
GREY = np.arange(30, dtype=np.uint8).reshape(5, 6) * 8


@pytest.fixture
def saved(tmp_path):
    """Return a function that saves a picture and returns its path."""

    def call(picture, name="picture.png", **options):
        picture.save(tmp_path / name, **options)
        return tmp_path / name

    return call


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
        (Image.fromarray(GREY > 99), "a.tif", "uint8", GREY > 99),
        (Image.fromarray(GREY), "a.bmp", "uint8", GREY),
        (Image.fromarray(GREY / np.float32(7)), "a.tif", "float32", GREY / np.float32(7)),
        (Image.fromarray(np.stack([GREY, 255 - GREY], axis=-1), "LA"), "a.png", "uint8", GREY),  # alpha goes
    ],
    ids=[
        "8 bit",
        "1 bit",
        "16 bit",
        "16 bit big-endian",
        "32 bit",
        "1 bit TIFF",
        "BMP",
        "float",
        "grey and alpha",
    ],
)
def test_grey_pictures_keep_their_numbers(saved, picture, name, dtype, expected):
    """Bits, byte order and alpha are affairs of the file; pixels come back as native numbers."""
    volume = readers.read(saved(picture, name))
    assert volume.voxels.dtype == np.dtype(dtype)
    assert volume.voxels.dtype.isnative
    assert (rows(volume) == expected).all()


PAINTED = [0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9]
PAINTED_GREY = [200, 200, 200, 0, 0, 0, 30, 30, 30, 255, 255, 255, 9, 9, 9]


def with_palette(colours, highest):
    """Return a picture of indices up to `highest`, with their red, green and blue one after the other."""
    picture = Image.fromarray(np.minimum(GREY // 60, highest).astype(np.uint8), "P")
    picture.putpalette(colours)
    return picture


@pytest.mark.parametrize("name", ["a.png", "a.gif", "a.bmp", "a.tif"])
def test_a_palette_picture_gives_its_indices_or_its_colours(saved, name):
    """Of a label map the index is the label and the colour is paint; of an image the colour is what there is to see."""
    path = saved(with_palette(PAINTED, 3), name)
    assert (rows(readers.read(path)) == GREY // 60).all()
    seen = readers.read(path, Part(colours=True)).voxels[:, :, 0].swapaxes(0, 1)
    assert (seen == np.array(PAINTED, np.uint8).reshape(-1, 3)[GREY // 60]).all()
    assert readers.header(path, Part(colours=True)).bytes_per_voxel == 3


@pytest.mark.parametrize("name", ["a.png", "a.gif"])
def test_a_palette_that_shows_grey_gives_grey(saved, name):
    """Grey levels in another order than their indices come back as grey levels."""
    volume = readers.read(saved(with_palette(PAINTED_GREY, 3), name), Part(colours=True))
    assert (rows(volume) == np.array([200, 0, 30, 255])[GREY // 60]).all()


def test_a_palette_in_colour_gives_colour_whatever_is_painted(saved):
    """A label map that is all background has the channels that the others of its dataset have."""
    black = readers.read(saved(with_palette(PAINTED, 0)), Part(colours=True))
    assert black.voxels.shape == (6, 5, 1, 3)
    assert not black.voxels.any()


def test_colours_change_nothing_without_a_palette(saved):
    """Grey, bits and true colour are the same for the eye and for a label."""
    for number, mode in enumerate(("1", "L", "I;16", "RGB")):
        path = saved(Image.fromarray(GREY).convert(mode), f"{number}.png")
        assert (readers.read(path).voxels == readers.read(path, Part(colours=True)).voxels).all()


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


@pytest.mark.parametrize(("suffix", "frames"), [(".png", 2), (".gif", 2), (".gif", 2000)])
def test_an_animation_is_no_picture(saved, suffix, frames):
    """Several frames are refused by the header, however many there are: which would be meant?"""
    pictures = [Image.fromarray(GREY + n % 9) for n in range(frames)]
    path = saved(pictures[0], f"frames{suffix}", save_all=True, append_images=pictures[1:])
    start = time.perf_counter()
    with pytest.raises(ReadError, match=rf"^frames\{suffix}: several frames, expected one") as caught:
        readers.header(path)
    assert caught.value.code == "not_a_volume"
    assert time.perf_counter() - start < 1


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
    with pytest.raises(ReadError, match=r"^picture\.png: no PNG, JPG, TIFF, BMP or GIF that Pillow knows") as caught:
        readers.read(tmp_path / "picture.png")
    assert caught.value.code == "unreadable"


def test_a_png_that_is_called_jpg_is_read(saved, tmp_path):
    """The picture formats may carry each other's suffix, as they do in many public datasets."""
    path = saved(Image.fromarray(GREY)).rename(tmp_path / "picture.jpg")
    assert (rows(readers.read(path)) == GREY).all()
