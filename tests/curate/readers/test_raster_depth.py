"""TIFF stacks, and numbers that eight bits do not hold."""

import sys

import numpy as np
import pytest
import SimpleITK as sitk
import tifffile
from PIL import Image

from curate import readers
from curate.errors import ReadError
from curate.readers import raster
from curate.readers.part import Part

COLOUR = np.arange(5 * 6 * 3).reshape(5, 6, 3)
STACK = np.arange(4 * 5 * 6).reshape(4, 5, 6)


def rows(volume):
    """Return a volume as pages of rows of columns[ of channels]."""
    return np.moveaxis(volume.voxels, (2, 1, 0), (0, 1, 2))


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "int32", "float32", "uint32", "int8"])
def test_the_pages_of_a_stack_are_its_slices(tmp_path, dtype, compression):
    """Pages of one size lie along k, with every number as tifffile wrote it."""
    voxels = (STACK * (1 if dtype.endswith("int8") else 250)).astype(dtype)
    tifffile.imwrite(tmp_path / "stack.tif", voxels, compression=compression, photometric="minisblack")
    found, volume = readers.header(tmp_path / "stack.tif"), readers.read(tmp_path / "stack.tif")
    assert found.geometry.shape_ijk == volume.geometry.shape_ijk == (6, 5, 4)
    assert (found.unit, found.geometry.is_2d) == ("pixel", False)
    assert (rows(volume) == voxels).all()
    assert volume.voxels.dtype == np.dtype("int32" if dtype == "int16" else dtype)  # Pillow widens signed ones
    assert volume.voxels.dtype.itemsize == found.bytes_per_voxel


def test_unsigned_numbers_of_32_bits_stay_positive(tmp_path):
    """Half of them are negative for Pillow."""
    tifffile.imwrite(tmp_path / "label.tif", np.full((5, 6), 2**32 - 2, np.uint32))
    assert readers.read(tmp_path / "label.tif").voxels.min() == 2**32 - 2


@pytest.mark.parametrize("pages", [1, 3])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_colours_of_16_bits_keep_them(tmp_path, compression, pages):
    """A colour TIFF of 16 bits a channel is not cut to 8, alone or in a stack."""
    voxels = np.stack([COLOUR * 700 + page for page in range(pages)]).astype(np.uint16)
    tifffile.imwrite(tmp_path / "deep.tif", voxels, photometric="rgb", compression=compression)
    volume = readers.read(tmp_path / "deep.tif")
    assert volume.voxels.dtype == np.uint16
    assert (rows(volume) == voxels).all()
    assert readers.header(tmp_path / "deep.tif").bytes_per_voxel == 6


@pytest.mark.parametrize("channels", [3, 4])
def test_png_of_16_bits_keeps_them(tmp_path, channels):
    """So does a PNG; alpha goes, as it does from 8 bits."""
    voxels = np.random.default_rng(2).integers(0, 2**16, (5, 6, channels)).astype(np.uint16)
    sitk.WriteImage(sitk.GetImageFromArray(voxels, isVector=True), str(tmp_path / "deep.png"))
    volume = readers.read(tmp_path / "deep.png")
    assert volume.voxels.dtype == np.uint16
    assert (rows(volume)[0] == voxels[..., :3]).all()


def test_what_nobody_keeps_is_refused(tmp_path):
    """Grey with alpha of 16 bits is neither Pillow's nor SimpleITK's: it is refused, and not cut to 8."""
    voxels = np.zeros((5, 6, 2), np.uint16)
    sitk.WriteImage(sitk.GetImageFromArray(voxels, isVector=True), str(tmp_path / "deep.png"))
    with pytest.raises(ReadError, match=r"^deep\.png: cannot be read \(.* whose uint16 numbers nobody keeps") as caught:
        readers.read(tmp_path / "deep.png")
    assert caught.value.code == "unreadable"


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (np.zeros((5, 7), np.uint8), "page 3 is 7 x 5 L of 8 bits, the first is 6 x 5 L of 8 bits"),
        (np.zeros((5, 6), np.uint16), "page 3 is 6 x 5 I;16 of 16 bits"),
        (COLOUR.astype(np.uint8), "page 3 is 6 x 5 RGB of 8 bits"),
    ],
)
def test_pages_that_differ_are_no_stack(tmp_path, other, message):
    """Thumbnails, other depths and other colours beside slices make no volume; the first such page is named."""
    with tifffile.TiffWriter(tmp_path / "mixed.tif") as writer:
        for page in (STACK[0].astype(np.uint8), STACK[1].astype(np.uint8), other):
            writer.write(page)
    with pytest.raises(ReadError, match=rf"^mixed\.tif: {message}") as caught:
        readers.header(tmp_path / "mixed.tif")
    assert caught.value.code == "not_a_volume"


def test_pages_have_a_limit(tmp_path, monkeypatch):
    """A stack of as many pages as are allowed is read; one page more is refused, from the headers."""
    tifffile.imwrite(tmp_path / "long.tif", STACK.astype(np.uint8), photometric="minisblack")
    monkeypatch.setattr(raster, "_MOST_PAGES", 4)
    assert readers.header(tmp_path / "long.tif").shape == (6, 5, 4)
    monkeypatch.setattr(raster, "_MOST_PAGES", 3)
    with pytest.raises(ReadError, match=r"^long\.tif: more than 3 pages") as caught:
        readers.header(tmp_path / "long.tif")
    assert caught.value.code == "too_large"


def test_a_stack_counts_whole(tmp_path, monkeypatch):
    """Pages that are each allowed may be too large together."""
    tifffile.imwrite(tmp_path / "big.tif", STACK.astype(np.uint8), photometric="minisblack")
    monkeypatch.setattr(sys.modules["curate.readers.header"], "MAX_IMAGE_BYTES", 119)
    with pytest.raises(ReadError, match=r"^big\.tif: 120 bytes of voxels, at most 119") as caught:
        readers.read(tmp_path / "big.tif")
    assert caught.value.code == "too_large"


@pytest.mark.shared
def test_fundus_masks_read_as_published(corpus_dir):
    """DRIVE masks are GIF in grey (0, 255) or with palettes (0, 1 and 0, 251): two values each, 0 the background.

    Through their palettes the background of some would be 4 2 4, which is no 0.
    """
    folder = corpus_dir / "fundus-drive-chase" / "DRIVE"
    found = {}
    for path in sorted(folder.rglob("*.gif")):
        volume = readers.read(path)
        assert volume.geometry.shape_ijk == (565, 584, 1)
        assert (rows(volume)[0] == np.asarray(Image.open(path))).all()
        found.setdefault(path.parent.relative_to(folder).as_posix(), set()).update(np.unique(volume.voxels).tolist())
    assert found == {
        "test/1st_manual": {0, 255},
        "test/2nd_manual": {0, 1},
        "test/mask": {0, 255},
        "training/1st_manual": {0, 251},
        "training/mask": {0, 251},
    }
    seen = readers.read(folder / "test/2nd_manual/01_manual2.gif", Part(colours=True))
    assert {tuple(colour) for colour in np.unique(seen.voxels.reshape(-1, 3), axis=0).tolist()} == {
        (4, 2, 4),
        (252, 254, 252),
    }


@pytest.mark.shared
def test_nuclei_read_as_tifffile_reads_them(corpus_dir):
    """Instance maps of 16 bits and images of 8 and 16 are those that tifffile finds."""
    for path in sorted((corpus_dir / "stardist-nuclei").rglob("*.tif")):
        volume = readers.read(path)
        assert (rows(volume)[0] == tifffile.imread(path)).all()
        assert volume.voxels.dtype == tifffile.imread(path).dtype
