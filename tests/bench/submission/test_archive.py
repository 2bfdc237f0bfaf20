import io
import re
import stat
import struct
import zipfile

import pytest

from bench.submission import archive
from bench.submission.packing import pack


@pytest.fixture(scope="session")
def files(honest_run):
    """Return the two files of a submission."""
    return {name: (honest_run / name).read_bytes() for name in ("run.json", "scores.parquet")}


@pytest.fixture
def sent(tmp_path, files):
    """Return a function that writes a zip of the two files and others, and returns its path."""

    def write(others=(), base=files, **options):
        path = tmp_path / "sent.zip"
        with zipfile.ZipFile(path, "w", **options) as made:
            for name, content in [*base.items(), *others]:
                made.writestr(name, content)
        return path

    return write


def link(name):
    """Return the entry of a symbolic link."""
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return info


HOSTILE = {
    "a climbing path": ("../run.json", "'../run.json' climbs out of its folder"),
    "a climbing path of Windows": ("..\\run.json", "climbs out of its folder"),
    "an absolute path": ("/etc/cron.d/x", "'/etc/cron.d/x' is an absolute path"),
    "a drive": ("C:x", "is an absolute path"),
    "an extra file": ("image.nii.gz", "'image.nii.gz' is none of the files of a submission"),
    "a pickle": ("scores.pkl", "is none of the files of a submission"),
    "a folder": ("predictions/", "is none of the files of a submission"),
    "a link": (link("link"), "'link' is a link or a device"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_entries_are_refused(what, sent, failing):
    """Whatever a zip names beside the two files is refused by what is wrong with it."""
    name, found = HOSTILE[what]
    fails = failing(sent([(name, b"x")]))
    assert list(fails) == ["files"]
    assert found in fails["files"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_entry_twice_is_refused(sent, failing):
    """Two files of one name could be read as either."""
    assert "expected run.json and scores.parquet, each once" in failing(sent([("run.json", b"{}")]))["files"]


def test_a_lacking_entry_is_refused(sent, failing, files):
    """Scores without a record say nothing."""
    found = failing(sent(base={"scores.parquet": files["scores.parquet"]}))["files"]
    assert found == "the zip holds scores.parquet, expected run.json and scores.parquet, each once"


def test_a_bomb_is_refused_by_its_header(sent, failing, files):
    """A few kilobytes that unpack to more than a record may have are refused before they are unpacked."""
    path = sent(base={**files, "run.json": b" " * ((4 << 20) + 1)}, compression=zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 200_000
    assert "'run.json' is too large" in failing(path)["files"]


def test_a_bomb_that_lies_about_its_size_is_refused(sent, failing, files):
    """An entry that unpacks to more than its header says is not read to its end."""
    path = sent(base={**files, "run.json": b" " * (8 << 20)}, compression=zipfile.ZIP_DEFLATED)
    content = path.read_bytes().replace(struct.pack("<L", 8 << 20), struct.pack("<L", 1000))
    path.write_bytes(content)
    assert list(failing(path)) == ["files"]


def test_a_zip_of_a_million_entries_is_refused_before_they_are_listed(tmp_path, failing):
    """The number of entries is read from the end of the file, and bounds what is read at all."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made:
        for number in range(5000):
            made.writestr(f"{number}", b"")
    (tmp_path / "many.zip").write_bytes(stream.getvalue())
    assert re.search("lists 5000 entries", failing(tmp_path / "many.zip")["files"])


@pytest.mark.parametrize("cut", [1, 22, 100, 10_000])
def test_a_truncated_zip_is_refused(honest_run, tmp_path, failing, cut):
    """A download that broke off is one clear line."""
    pack(honest_run, tmp_path / "whole.zip")
    content = (tmp_path / "whole.zip").read_bytes()
    (tmp_path / "cut.zip").write_bytes(content[:-cut])
    assert failing(tmp_path / "cut.zip") == {"files": "it is no whole zip of the plain kind"}


def test_a_damaged_zip_is_refused(honest_run, tmp_path, failing):
    """A flipped byte is found by the checksum of its entry."""
    pack(honest_run, tmp_path / "sent.zip")
    content = bytearray((tmp_path / "sent.zip").read_bytes())
    content[200] ^= 1
    (tmp_path / "sent.zip").write_bytes(bytes(content))
    assert re.search("the zip cannot be read: .*CRC", failing(tmp_path / "sent.zip")["files"])


def test_what_is_written_is_read_back(tmp_path, files):
    """Both files come back byte for byte, and the same files give the same zip."""
    archive.write(tmp_path / "one.zip", files)
    archive.write(tmp_path / "other.zip", dict(reversed(files.items())))
    assert archive.read(tmp_path / "one.zip") == files
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "other.zip").read_bytes()
