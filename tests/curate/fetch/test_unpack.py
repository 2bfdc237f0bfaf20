import gzip
import io
import stat
import tarfile
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from curate.fetch import fetch
from curate.fetch.problem import FetchError
from curate.fetch.receipt import key
from curate.fetch.unpack import Budget, budget, unpack

from .conftest import download, md5

TREE = {"a/image.nii.gz": b"image" * 50_000, "a/b/label.nii.gz": b"", "list.txt": b"a\n"}
FORMS = ("zip", "tar", "tar.gz", "tar.bz2", "tar.xz")


def packed(form, members):
    """Return the bytes of an archive; a member is bytes, or what a tar or zip header needs besides."""
    stream = io.BytesIO()
    if form == "zip":
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                info = name if isinstance(content, bytes) else zipfile.ZipInfo(name)
                if not isinstance(content, bytes):
                    info.external_attr = content["mode"] << 16
                archive.writestr(info, content if isinstance(content, bytes) else content.get("content", b""))
        return stream.getvalue()
    with tarfile.open(fileobj=stream, mode="w" + form[3:].replace(".", ":")) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                info.size = len(content)
            else:
                info.type, info.linkname = content["type"], content.get("linkname", "")
            archive.addfile(info, io.BytesIO(content) if isinstance(content, bytes) else None)
    return stream.getvalue()


def files(folder: Path):
    """Return the bytes of every file below a folder, by path."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def archive(tmp_path):
    """Return a function that writes an archive into the temporary folder."""

    def write(form, members, name=None):
        path = tmp_path / (name or f"data.{form}")
        path.write_bytes(packed(form, members) if isinstance(members, dict) else members)
        return path

    return write


@pytest.mark.parametrize("form", FORMS)
def test_what_was_packed_comes_out(archive, tmp_path, form):
    """Every form gives the files that went in, and their sizes by path, whatever the archive is called."""
    sizes = unpack(archive(form, TREE, name="download"), tmp_path / "out")
    assert files(tmp_path / "out") == TREE
    assert sizes == {name: len(content) for name, content in TREE.items()}


@pytest.mark.parametrize("form", ["zip", "tar.gz"])
@pytest.mark.parametrize(
    "name", ["../out.txt", "/tmp/out.txt", "a/../../out.txt", "..\\out.txt", "C:\\out.txt", "C:out.txt", "a/..", "\\x"]
)
def test_no_member_climbs_out_of_its_folder(archive, tmp_path, form, name):
    """A path that leads out, in the words of any system, makes the whole archive refused and writes nothing outside."""
    path = archive(form, {"fine.txt": b"1", name: b"2"})
    with pytest.raises(FetchError, match=r"has a member that leads out of its folder, .*; it was not unpacked"):
        unpack(path, tmp_path / "deep" / "out")
    assert set(files(tmp_path)) <= {path.name, "deep/out/fine.txt"}
    assert not Path("/tmp/out.txt").exists()


@pytest.mark.parametrize(
    ("kind", "link"),
    [
        (tarfile.SYMTYPE, "/etc"),
        (tarfile.SYMTYPE, "fine.txt"),
        (tarfile.LNKTYPE, "fine.txt"),
        (tarfile.LNKTYPE, "/etc/passwd"),
        (tarfile.CHRTYPE, ""),
        (tarfile.BLKTYPE, ""),
        (tarfile.FIFOTYPE, ""),
    ],
)
def test_links_and_devices_are_refused(archive, tmp_path, kind, link):
    """Neither symbolic nor hard links, devices or pipes come out of a tar file, wherever they point."""
    path = archive("tar", {"fine.txt": b"1", "odd": {"type": kind, "linkname": link}, "odd/passwd": b"2"})
    with pytest.raises(FetchError, match="has a link or device, `odd`; it was not unpacked"):
        unpack(path, tmp_path / "out")
    assert list(files(tmp_path / "out")) == ["fine.txt"]


@pytest.mark.parametrize("mode", [stat.S_IFLNK | 0o777, stat.S_IFIFO | 0o644, stat.S_IFCHR | 0o644])
def test_links_in_zip_files_are_refused(archive, tmp_path, mode):
    """A zip member whose Unix mode says link, pipe or device is not written as one."""
    path = archive("zip", {"odd": {"mode": mode, "content": b"/etc/passwd"}})
    with pytest.raises(FetchError, match="has a link or device, `odd`"):
        unpack(path, tmp_path / "out")


def test_permissions_do_not_come_out_of_an_archive(archive, tmp_path):
    """A file that was packed as setuid and executable is a plain file."""
    unpack(archive("zip", {"tool": {"mode": stat.S_IFREG | 0o4777, "content": b"x"}}), tmp_path / "out")
    assert (tmp_path / "out" / "tool").stat().st_mode & 0o7111 == 0


@pytest.mark.parametrize("form", ["zip", "tar.gz"])
def test_a_bomb_is_stopped_before_it_is_written(archive, tmp_path, form):
    """A member that is larger than what is left of the budget is refused by its header, with what set the limit."""
    path = archive(form, {"small": b"1", "zeros": bytes(5_000_000)})
    with pytest.raises(FetchError, match=r"would become larger than a megabyte; nothing of it was kept"):
        unpack(path, tmp_path / "out", Budget(1_000_000, "a megabyte"))
    assert sum(map(len, files(tmp_path / "out").values())) <= 1


def test_many_members_are_a_bomb_too(archive, tmp_path):
    """Folders and empty files count, since they take room as well."""
    path = archive("zip", {f"{n}": b"" for n in range(30)})
    with pytest.raises(FetchError, match="would become larger than"):
        unpack(path, tmp_path / "out", Budget(1000, "x", members_left=20))


def test_the_budget_is_the_smaller_of_trust_and_room(archive, tmp_path, monkeypatch):
    """A small archive may become a gigabyte, a large one 200 times its size, and none more than fits on the disk."""
    path = archive("zip", b"0" * 10_000_000)
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 10**13})())
    assert budget(path, tmp_path).bytes_left == 2_000_000_000
    path.write_bytes(b"0")
    assert budget(path, tmp_path).bytes_left == 1 << 30
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000})())
    assert (budget(path, tmp_path).bytes_left, budget(path, tmp_path).why) == (
        950,
        "the 950 B that the disk has room for",
    )


def test_a_zip_member_that_lies_about_its_size_is_refused(archive, tmp_path):
    """A member that states three bytes and holds five million is cut, and its checksum shows it."""
    path = archive("zip", {"zeros": bytes(5_000_000)})
    lying = path.read_bytes().replace((5_000_000).to_bytes(4, "little"), (3).to_bytes(4, "little"))
    path.write_bytes(lying)
    with pytest.raises(FetchError, match=r"is damaged \(.*zeros.*\); delete it, and fetch it again"):
        unpack(path, tmp_path / "out")
    assert sum(map(len, files(tmp_path / "out").values())) <= 3


def test_a_tar_header_that_claims_gigabytes_takes_no_memory(archive, tmp_path):
    """A long-name header that states eight gigabytes is refused without reading them."""
    info = tarfile.TarInfo("long")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 8 << 30
    path = archive("tar", info.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    tracemalloc.start()
    with pytest.raises(FetchError, match="claims to be longer than any real one"):
        unpack(path, tmp_path / "out")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50_000_000


def test_memory_does_not_grow_with_what_is_in_a_tar_file(archive, tmp_path):
    """Hundreds of members, one of them large, are unpacked with a few megabytes of memory."""
    members = {f"{n:05}/slice.dcm": b"x" for n in range(500)} | {"large": bytes(20_000_000)}
    path = archive("tar.gz", members)
    del members
    tracemalloc.start()
    sizes = unpack(path, tmp_path / "out")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(sizes) == 501
    assert peak < 8_000_000


@pytest.mark.parametrize("form", FORMS)
def test_a_cut_archive_is_damage(archive, tmp_path, form):
    """An archive that ends in the middle of a member is refused, whatever its form."""
    path = archive(form, {"noise": bytes(n * n % 251 for n in range(300_000))})
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(FetchError, match=r"delete it, and fetch it again|no archive that can be unpacked here"):
        unpack(path, tmp_path / "out")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"plain text", "data.bin is no archive that can be unpacked here (zip, tar, tar.gz)"),
        (b"", "data.bin is no archive"),
        (gzip.compress(b"one file" * 1000, mtime=0), "data.bin is no archive"),
    ],
    ids=["text", "nothing", "one file"],
)
def test_what_is_no_archive_is_said(archive, tmp_path, content, message):
    """Text, nothing, and a single compressed file are no archives."""
    with pytest.raises(FetchError) as caught:
        unpack(archive("bin", content), tmp_path / "out")
    assert message in str(caught.value)


def test_a_zip_with_a_password_is_said(archive, tmp_path):
    """A member that is marked as encrypted cannot be read, and the line says why."""
    path = archive("zip", {"secret": b"x" * 100})
    content = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + offset] |= 1
    path.write_bytes(bytes(content))
    with pytest.raises(FetchError, match=r"cannot be unpacked here \(.*encrypted.*\); unpack it by hand"):
        unpack(path, tmp_path / "out")


def test_a_file_where_a_folder_must_be_is_refused(archive, tmp_path):
    """An archive in which `a` is a file and `a/b` lies below it cannot be written."""
    with pytest.raises(FetchError, match="has a file and a folder of one name"):
        unpack(archive("tar", {"a": b"1", "a/b": b"2"}), tmp_path / "out")


def serve(server, name, content, **facts):
    """Serve an archive and return its entry in a recipe."""
    return {"url": server.put(name, content), "name": name, "checksum": md5(content), "unpack": True} | facts


def test_archives_are_unpacked_into_their_folders_and_deleted(server, tmp_path):
    """Two archives share a folder; nothing but their files and the receipts is left, and a second run asks nothing."""
    images, labels = packed("zip", {"ct/1.nii": b"image"}), packed("tar.gz", {"seg/1.nii": b"label"})
    told = download(serve(server, "i.zip", images, into="data"), serve(server, "l.tar.gz", labels, into="data"))
    assert [(one.state, one.files) for one in fetch(told, tmp_path)] == [("fetched", 1), ("fetched", 1)]
    shown = {path: content for path, content in files(tmp_path).items() if not path.startswith(".fetch/")}
    assert shown == {"data/ct/1.nii": b"image", "data/seg/1.nii": b"label"}
    assert [path.suffix for path in (tmp_path / ".fetch").iterdir()] == [".json", ".json"]
    assert [one.state for one in fetch(told, tmp_path)] == ["there", "there"]
    assert len(server.requests) == 2


def test_what_a_killed_run_left_half_unpacked_is_unpacked_anew(server, tmp_path):
    """Half an archive in the folder for unfinished work neither stops the next run nor gets into the dataset."""
    told = download(serve(server, "data.zip", packed("zip", TREE)))
    half = tmp_path / ".fetch" / f"{key(told.files[0])}.unpacked"
    half.mkdir(parents=True)
    (half / "half.nii.gz").write_bytes(b"half")
    assert fetch(told, tmp_path)[0].state == "fetched"
    assert not half.exists()
    assert {path for path in files(tmp_path) if not path.startswith(".fetch/")} == set(TREE)


def test_an_archive_that_a_person_put_there_is_used_and_stays(server, tmp_path):
    """A file under the archive's name with the right checksum is not downloaded, and not deleted."""
    content = packed("zip", TREE)
    told = download(serve(server, "data.zip", content))
    (tmp_path / "data.zip").write_bytes(content)
    assert fetch(told, tmp_path)[0].state == "fetched"
    assert server.requests == []
    assert (tmp_path / "data.zip").read_bytes() == content
    assert (tmp_path / "list.txt").read_bytes() == b"a\n"


def test_archives_can_be_kept(server, tmp_path):
    """With `keep_archives` the archive stays beside what came out of it."""
    told = download(serve(server, "data.zip", packed("zip", TREE)))
    fetch(told, tmp_path, keep_archives=True)
    assert {"data.zip", "list.txt"} <= set(files(tmp_path))


def test_a_file_of_two_archives_is_the_first_ones_and_nothing_is_fetched_twice(server, tmp_path):
    """A README that both archives have does not make one of them look unfinished."""
    told = download(
        serve(server, "1.zip", packed("zip", {"README": b"first", "1": b"1"})),
        serve(server, "2.zip", packed("zip", {"README": b"the second", "2": b"2"})),
    )
    fetch(told, tmp_path)
    assert (tmp_path / "README").read_bytes() == b"first"
    assert [one.state for one in fetch(told, tmp_path)] == ["there", "there"]


def test_a_refused_archive_leaves_nothing_and_is_not_downloaded_again(server, tmp_path):
    """What was unpacked until the bad member is deleted; the second run refuses the same file without a request."""
    told = download(serve(server, "bad.zip", packed("zip", {"fine": b"1", "../bad": b"2"})))
    for _ in range(2):
        (outcome,) = fetch(told, tmp_path)
        assert "leads out of its folder" in outcome.detail
        assert not (tmp_path / "fine").exists()
        assert not (tmp_path.parent / "bad").exists()
    assert len(server.requests) == 1


@pytest.mark.parametrize(("start", "command"), [(b"7z\xbc\xaf\x27\x1c", "7z x"), (b"Rar!\x1a\x07\x00", "unrar x")])
def test_an_archive_for_other_programs_is_kept_with_the_command(server, tmp_path, start, command):
    """A 7z or RAR file lies under its name in the folder, and the line says what to type."""
    told = download(serve(server, "Mask.7z", start + bytes(100), into="Masks"))
    (outcome,) = fetch(told, tmp_path)
    assert outcome.state == "failed"
    assert outcome.detail.startswith(f"{tmp_path}/Mask.7z: unpack it by hand: {command} {tmp_path}/Mask.7z ")
    assert f"{tmp_path}/Masks" in outcome.detail
    fetch(told, tmp_path)
    assert len(server.requests) == 1
