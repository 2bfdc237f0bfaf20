"""Every registered reader keeps the same promises, whatever the file."""

import gzip
import pickle
import subprocess
import sys
from math import prod

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image

from curate import readers
from curate.errors import ReadError

SHAPE = (9, 8, 7)
FAMILIES = {
    "nifti": (".nii", ".nii.gz"),
    "itk": (".nrrd", ".nhdr", ".mha", ".mhd"),
    "raster": (".png", ".jpg", ".jpeg", ".tif", ".tiff"),
}
SUFFIXES = [suffix for suffixes in FAMILIES.values() for suffix in suffixes]
DETACHED = {".nhdr": ".raw", ".mhd": ".raw"}
GARBAGE = {
    "empty": b"",
    "zeros": b"\0" * 999,
    "text": b"garbage " * 99,
    "ones": b"\xff" * 999,
    "compressed text": gzip.compress(b"text" * 99),
}
SILENT = """
import sys
from pathlib import Path
from curate import readers
from curate.errors import ReadError
refused = 0
for path in sorted(Path(sys.argv[1]).iterdir()):
    for read in (readers.header, readers.read):
        try:
            read(path)
        except ReadError:
            refused += 1
sys.exit(refused < 40)
"""


def write_sound(path):
    """Write a sound file of noise in the format of the suffix, oblique where the format knows space."""
    noise = np.random.default_rng(8).integers(1, 250, SHAPE)
    if path.name.endswith(FAMILIES["nifti"]):
        affine = np.array([[-0.7, 0.1, 0, 40], [0.1, 0.68, 0.3, -30], [0, -0.05, 4.9, 12], [0, 0, 0, 1]])
        nibabel.save(nibabel.Nifti1Image(noise.astype(np.int16), affine), path)
    elif path.name.endswith(FAMILIES["itk"]):
        image = sitk.GetImageFromArray(noise.astype(np.int16).T)
        image.SetSpacing((0.7, 0.8, 5))
        image.SetOrigin((1, 2, 3))
        image.SetDirection((0, -1, 0, 1, 0, 0, 0, 0, 1))
        sitk.WriteImage(image, str(path))
    else:
        Image.fromarray(noise[:, :, 0].astype(np.uint8)).resize((60, 50)).save(path)
    return path


def refused(path, read=readers.read):
    """Return the error with which a file is refused, after checking what every refusal must be."""
    with pytest.raises(ReadError) as caught:
        read(path)
    message = str(caught.value)
    assert message.startswith(f"{path.name}: ")
    assert str(path.parent) not in message
    assert "\n" not in message
    assert len(message) < 400
    return caught.value


def damaged(content, generator):
    """Return bytes of which some are changed, mostly in the header, and some are missing."""
    wrong = bytearray(content)
    end = len(wrong) if generator.random() < 0.5 else min(len(wrong), 352)
    for place in generator.integers(0, end, generator.integers(1, 6)):
        wrong[place] = generator.choice([0, 127, 128, 255, generator.integers(256)])
    return bytes(wrong[: generator.integers(len(wrong))] if generator.random() < 0.2 else wrong)


def test_every_reader_is_under_contract():
    """The table of this file names every reader that ships, with all its suffixes."""
    assert set(FAMILIES) == set(readers.REGISTRY.builtin)
    assert {name: tuple(readers.REGISTRY.load(name)().suffixes) for name in FAMILIES} == FAMILIES


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_header_says_what_read_gives(tmp_path, suffix):
    """Shape, place, unit and size of a voxel are known before any voxel is read."""
    path = write_sound(tmp_path / f"sound{suffix}")
    header, volume = readers.header(path), readers.read(path)
    assert header.geometry.shape_ijk == volume.geometry.shape_ijk == volume.voxels.shape
    assert header.geometry.same_grid(volume.geometry, tolerance=0)
    assert (header.geometry.orientation, header.unit) == (volume.geometry.orientation, volume.geometry.unit)
    assert header.bytes_per_voxel == volume.voxels.itemsize
    assert header.verdict == ("none" if header.unit == "pixel" else "ok")
    assert volume.voxels.dtype.isnative


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_reading_changes_nothing(tmp_path, suffix):
    """The same file gives the same voxels again, by a name in capitals too, and keeps its bytes."""
    path = write_sound(tmp_path / f"sound{suffix}")
    content = path.read_bytes()
    first = readers.read(path).voxel_sha256()
    assert path.read_bytes() == content
    loud = path.with_name(f"SOUND{suffix.upper()}")
    loud.write_bytes(content)
    assert {readers.read(path).voxel_sha256(), readers.read(loud).voxel_sha256()} == {first}


@pytest.mark.parametrize("kept", [0, 0.02, 0.4, 0.9])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_truncated_file_is_unreadable(tmp_path, suffix, kept):
    """Wherever a file ends too early, it is refused; a picture or scan is never filled up with zeros."""
    path = write_sound(tmp_path / f"cut{suffix}")
    data = path.with_suffix(DETACHED[suffix]) if suffix in DETACHED else path
    content = data.read_bytes()
    data.write_bytes(content[: int(kept * len(content))])
    assert refused(path).code == "unreadable"


@pytest.mark.parametrize("suffix", sorted(DETACHED))
def test_a_header_without_its_data_file_is_unreadable(tmp_path, suffix):
    """A detached header whose data is gone is refused."""
    path = write_sound(tmp_path / f"alone{suffix}")
    path.with_suffix(DETACHED[suffix]).unlink()
    assert refused(path).code == "unreadable"


@pytest.mark.parametrize("content", GARBAGE)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_garbage_is_unreadable(tmp_path, suffix, content):
    """Empty files, zeros, text, ones and compressed text are no images, by header or by voxels."""
    path = tmp_path / f"garbage{suffix}"
    path.write_bytes(GARBAGE[content])
    assert {refused(path, read).code for read in (readers.header, readers.read)} == {"unreadable"}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_another_family_under_this_suffix_is_unreadable(tmp_path, suffix):
    """A file is what its suffix says: no reader looks inside and takes another format."""
    others = [other for family, others in FAMILIES.items() for other in others if suffix not in FAMILIES[family]]
    for other in others:
        content = write_sound(tmp_path / f"sound{other}").read_bytes()
        path = tmp_path / f"wrong{suffix}"
        path.write_bytes(content)
        assert refused(path).code == "unreadable"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_folders_and_missing_files_are_unreadable(tmp_path, suffix):
    """A folder with the suffix of an image, and a file that is not there, are refused like any bad file."""
    (tmp_path / f"folder{suffix}").mkdir()
    assert refused(tmp_path / f"folder{suffix}").code == "unreadable"
    assert refused(tmp_path / f"missing{suffix}").code == "unreadable"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_damaged_bytes_never_raise_anything_else(tmp_path, suffix):
    """Files with changed and missing bytes are read as a volume of real numbers or refused with a known code."""
    content = write_sound(tmp_path / f"sound{suffix}").read_bytes()
    packed = suffix.endswith(".gz")
    content = gzip.decompress(content) if packed else content
    generator = np.random.default_rng(9)
    path = tmp_path / f"damaged{suffix}"
    codes = set()
    for _ in range(40):
        wrong = damaged(content, generator)
        path.write_bytes(gzip.compress(wrong, 1) if packed else wrong)
        try:
            volume = readers.read(path)
        except ReadError as error:
            codes.add(error.code)
        else:
            assert volume.voxels.dtype.kind in "iuf"
            assert volume.voxels.size == prod(volume.geometry.shape_ijk) * (3 if volume.is_colour else 1)
    assert "unreadable" in codes
    assert codes <= {"unreadable", "not_a_volume", "too_large", "bad_geometry"}


def test_libraries_say_nothing_to_the_user(tmp_path):
    """What nibabel, ITK, libtiff and Pillow have to say about damaged files reaches neither stdout nor stderr."""
    generator = np.random.default_rng(10)
    for suffix in SUFFIXES:
        content = write_sound(tmp_path / f"sound{suffix}").read_bytes()
        unpacked = gzip.decompress(content) if suffix.endswith(".gz") else content
        for number in range(8):
            wrong = damaged(unpacked, generator)
            path = tmp_path / f"damaged{number}{suffix}"
            path.write_bytes(gzip.compress(wrong, 1) if suffix.endswith(".gz") else wrong)
        (tmp_path / f"half{suffix}").write_bytes(content[: len(content) // 2])
    for compression in ("tiff_lzw", "tiff_adobe_deflate"):
        path = tmp_path / f"{compression}.tif"
        Image.effect_noise((64, 64), 50).save(path, compression=compression)
        content = path.read_bytes()
        path.write_bytes(content[:60] + b"\xff" * 40 + content[100:])
    (tmp_path / "gone.mhd").write_bytes((tmp_path / "sound.mhd").read_bytes().replace(b"sound.raw", b"gone.raw"))
    found = subprocess.run([sys.executable, "-c", SILENT, str(tmp_path)], capture_output=True, text=True, check=False)
    assert (found.stdout, found.stderr, found.returncode) == ("", "", 0)


def test_a_refusal_survives_a_process_boundary(tmp_path):
    """Workers send errors as pickles: code and message arrive."""
    error = refused(tmp_path / "missing.nrrd")
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), again.code, str(again)) == (ReadError, error.code, str(error))


def test_an_unknown_suffix_is_refused_with_the_known_ones(tmp_path):
    """A file that no reader knows is refused; the message lists what would be read."""
    message = str(refused(tmp_path / "scan.dcm"))
    assert message.startswith("scan.dcm: no reader for this suffix; readers know .jpeg, .jpg, .mha")
