"""Every registered reader keeps the same promises, whatever the file."""

import gzip
import pickle
import runpy
import subprocess
import sys
from math import prod
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from curate import readers
from curate.errors import ReadError
from curate.readers.part import WHOLE, Part

FILES = runpy.run_path(str(Path(__file__).with_name("reader_files.py")))
SHAPE, FAMILIES, FAMILY_OF, SUFFIXES, SERIES = (
    FILES[name] for name in ("SHAPE", "FAMILIES", "FAMILY_OF", "SUFFIXES", "SERIES")
)
write_sound, write_series, write_huge = (FILES[name] for name in ("write_sound", "write_series", "write_huge"))
beside, data_file, header_file = (FILES[name] for name in ("beside", "data_file", "header_file"))
VERDICTS = dict.fromkeys(("raster", "npy", "npz", "hdf5"), "none") | {"analyze": "repaired:orientation_assumed"}
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

FRUGAL = """
import resource, sys
from pathlib import Path
from curate import readers
from curate.errors import ReadError
folder = Path(sys.argv[1])
for path in sorted(folder.glob("sound*")):
    try:
        readers.read(path)
    except ReadError:
        pass
taken = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmData"))
resource.setrlimit(resource.RLIMIT_DATA, ((taken << 10) + (1 << 30),) * 2)
for path in sorted(folder.glob("huge*")):
    for read in (readers.header, readers.read):
        try:
            read(path)
        except ReadError as error:
            if "no reader" not in str(error):
                print(error.code, error)
"""


def refused(path, read=readers.read, part=WHOLE):
    """Return the error with which a file is refused, after checking what every refusal must be."""
    with pytest.raises(ReadError) as caught:
        read(path, part)
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
    assert header.verdict == VERDICTS.get(FAMILY_OF[suffix], "ok")
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
    if header_file(path) != path:
        path.with_name(header_file(path).name.upper()).write_bytes(header_file(path).read_bytes())
    assert {readers.read(path).voxel_sha256(), readers.read(loud).voxel_sha256()} == {first}


@pytest.mark.parametrize("kept", [0, 0.02, 0.4, 0.9])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_truncated_file_is_unreadable(tmp_path, suffix, kept):
    """Wherever a file ends too early, it is refused; a picture or scan is never filled up with zeros."""
    path = write_sound(tmp_path / f"cut{suffix}")
    for file in {data_file(path), header_file(path)} - ({path} if suffix in FILES["DETACHED"] else set()):
        content = file.read_bytes()
        file.write_bytes(content[: int(kept * len(content))])
        assert refused(path).code == "unreadable"
        file.write_bytes(content)


@pytest.mark.parametrize(
    "suffix", [suffix for suffix in SUFFIXES if suffix in {**FILES["DETACHED"], **FILES["HEADED"]}]
)
def test_half_of_a_pair_is_unreadable(tmp_path, suffix):
    """A header whose voxels are gone is refused, and so are voxels whose header is gone."""
    path = write_sound(tmp_path / f"alone{suffix}")
    beside(path).unlink()
    assert refused(path).code == "unreadable"


@pytest.mark.parametrize("content", GARBAGE)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_garbage_is_unreadable(tmp_path, suffix, content):
    """Empty files, zeros, text, ones and compressed text are no images, by header or by voxels."""
    path = tmp_path / f"garbage{suffix}"
    for file in (path, header_file(path)):
        file.write_bytes(GARBAGE[content])
    assert {refused(path, read).code for read in (readers.header, readers.read)} == {"unreadable"}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_another_family_under_this_suffix_is_unreadable(tmp_path, suffix):
    """A file is what its suffix says: no reader looks inside and takes another format."""
    others = [other for other in SUFFIXES if FAMILY_OF[other] != FAMILY_OF[suffix]]
    for other in [other for other in others if not {suffix, other} <= set(FILES["NRRD"])]:
        content = write_sound(tmp_path / f"sound{other}").read_bytes()
        path = tmp_path / f"wrong{suffix}"
        for file in (path, header_file(path)):
            file.write_bytes(content)
        assert refused(path).code == "unreadable"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_folders_and_missing_files_are_unreadable(tmp_path, suffix):
    """A folder with the suffix of an image, and a file that is not there, are refused like any bad file."""
    (tmp_path / f"folder{suffix}").mkdir()
    assert refused(tmp_path / f"folder{suffix}").code == "unreadable"
    assert refused(tmp_path / f"missing{suffix}").code == "unreadable"


@pytest.mark.parametrize("suffix", SERIES)
def test_one_volume_of_a_series_is_read_alone(tmp_path, suffix):
    """`volume_index` gives each 3D volume of a 4D file on the grid that its header says."""
    path = tmp_path / f"series{suffix}"
    for index, voxels in enumerate(write_series(path)):
        header, volume = readers.header(path, Part(volume_index=index)), readers.read(path, Part(volume_index=index))
        assert header.shape == SHAPE
        assert header.geometry.same_grid(volume.geometry, tolerance=0)
        assert (volume.voxels == voxels).all()


@pytest.mark.parametrize("read", [readers.header, readers.read])
@pytest.mark.parametrize("suffix", SERIES)
def test_a_series_is_no_volume(tmp_path, suffix, read):
    """A 4D file is refused as a whole, with the key to set, and so is a volume that it does not have."""
    path = tmp_path / f"series{suffix}"
    write_series(path)
    whole, beyond, before = (refused(path, read, Part(volume_index=index)) for index in (None, 3, -1))
    assert str(whole).endswith("expected two or three axes; set `volume_index` to take one of its 3 volumes")
    assert str(beyond).endswith("no volume with `volume_index` 3, counted from 0; shape (9, 8, 7, 3) holds 3 volumes")
    assert {whole.code, beyond.code, before.code} == {"not_a_volume"}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_of_three_axes_is_its_first_volume(tmp_path, suffix):
    """`volume_index` 0 changes nothing where there is one volume, and 1 is refused."""
    path = write_sound(tmp_path / f"sound{suffix}")
    first = readers.read(path, Part(volume_index=0))
    assert first.voxel_sha256() == readers.read(path).voxel_sha256()
    assert refused(path, part=Part(volume_index=1)).code == "not_a_volume"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_array_is_asked_for_by_name_where_arrays_have_names(tmp_path, suffix):
    """A name that is not there is refused with those that are; a format without names says so."""
    path = write_sound(tmp_path / f"sound{suffix}")
    error = refused(path, readers.header, Part("t2"))
    names = {"npz": "'arr_0'", "hdf5": "'scans/t1'"}.get(FAMILY_OF[suffix])
    expected = f"no array 't2'; there is {names}" if names else "files of this format hold no named arrays"
    assert error.code == "unreadable"
    assert f"{path.name}: {expected}" in str(error)


def test_absurd_sizes_are_refused_without_taking_memory(tmp_path):
    """A header that claims gigabytes is `too_large` in every format, within 1 GiB beyond what libraries take."""
    for suffix in SUFFIXES:
        write_sound(tmp_path / f"sound{suffix}")
        write_huge(tmp_path / f"huge{suffix}")
    command = [sys.executable, "-c", FRUGAL, str(tmp_path)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.stderr == ""
    lines = found.stdout.splitlines()
    assert len(lines) == 2 * len(SUFFIXES)
    for line in lines:
        assert line.startswith("too_large huge")
        assert "at most 8589934592 are allowed" in line or "exceeds limit of 178956970 pixels" in line


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_damaged_bytes_never_raise_anything_else(tmp_path, suffix):
    """Files with changed and missing bytes are read as a volume of real numbers or refused with a known code."""
    path = write_sound(tmp_path / f"damaged{suffix}")
    file = header_file(path)
    content = file.read_bytes()
    packed = content.startswith(b"\x1f\x8b")
    content = gzip.decompress(content) if packed else content
    generator = np.random.default_rng(9)
    codes = set()
    for _ in range(40):
        wrong = damaged(content, generator)
        file.write_bytes(gzip.compress(wrong, 1) if packed else wrong)
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
        packed = content.startswith(b"\x1f\x8b")
        unpacked = gzip.decompress(content) if packed else content
        for number in range(8):
            wrong = damaged(unpacked, generator)
            path = tmp_path / f"damaged{number}{suffix}"
            path.write_bytes(gzip.compress(wrong, 1) if packed else wrong)
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
    assert message.startswith("scan.dcm: no reader for this suffix; readers know .bmp, .gif, .h5,")
