import hashlib
import math

import pytest

from curate import files
from curate.errors import StoreError


def test_a_written_file_is_whole_and_alone(tmp_path):
    """Folders are made, the digest is that of the bytes, and nothing else is left beside the file."""
    path = tmp_path / "deep" / "folder" / "a.nii.gz"
    assert files.write_bytes(path, b"content") == hashlib.sha256(b"content").hexdigest()
    assert path.read_bytes() == b"content"
    assert files.sha256_of_file(path) == hashlib.sha256(b"content").hexdigest()
    assert [one.name for one in path.parent.iterdir()] == ["a.nii.gz"]


def test_a_failed_write_changes_nothing(tmp_path):
    """An error while writing leaves the old file and no temporary one."""
    path = tmp_path / "a.txt"
    path.write_text("old")

    def write_half():
        with files.replacing(path) as temporary:
            temporary.write_text("half of the new")
            raise RuntimeError(f"disk on fire, {path.read_text()} is safe")

    with pytest.raises(RuntimeError, match="disk on fire, old is safe"):
        write_half()
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("a.txt", "old")]


def test_the_temporary_file_keeps_the_suffixes(tmp_path):
    """Image libraries choose a format by the suffix, so the temporary name has it, beside the target."""
    with files.replacing(tmp_path / "scan.1.nii.gz") as temporary:
        assert temporary.name.startswith(files.TEMPORARY_PREFIX)
        assert temporary.name.endswith("scan.1.nii.gz")
        assert temporary.parent == tmp_path
        temporary.touch()


def test_two_writers_do_not_meet(tmp_path):
    """Two writers of one path have two temporary files; the last one to finish wins."""
    path = tmp_path / "a.txt"
    with files.replacing(path) as first, files.replacing(path) as second:
        assert first != second
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first"


def test_leftovers_of_a_killed_writer_are_removed(tmp_path):
    """Only temporary files go, at any depth, and their number is told."""
    for name in ("x/.part-1-a.png", ".part-2-b.json", "x/y/.part-3-c.nii.gz", "x/keep.png", ".partial"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert files.remove_temporaries(tmp_path) == 3
    assert sorted(one.name for one in tmp_path.rglob("*") if one.is_file()) == [".partial", "keep.png"]


def test_large_files_are_hashed_in_blocks(tmp_path):
    """A file that is no whole number of blocks has the hash of its bytes."""
    content = bytes(range(256)) * 5000 + b"tail"
    (tmp_path / "a").write_bytes(content)
    assert files.sha256_of_file(tmp_path / "a") == hashlib.sha256(content).hexdigest()


def test_json_is_sorted_readable_and_ends_in_a_newline(tmp_path):
    """The same value gives the same bytes whatever the order of its keys; text stays text."""
    first = files.write_json(tmp_path / "a.json", {"b": 1, "a": ["é"]})
    second = files.write_json(tmp_path / "b.json", {"a": ["é"], "b": 1})
    assert first == second
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == '{\n  "a": [\n    "é"\n  ],\n  "b": 1\n}\n'


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_nan_never_enters_json(tmp_path, value):
    """NaN and infinity are no JSON: nothing is written."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.write_json(tmp_path / "a.json", {"dice": value})
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.sha256_of_json({"dice": value})
    assert list(tmp_path.iterdir()) == []


def test_the_hash_of_json_is_that_of_its_meaning():
    """Key order does not matter; values and the order of lists do."""
    assert files.sha256_of_json({"a": 1, "b": 2}) == files.sha256_of_json({"b": 2, "a": 1})
    assert files.sha256_of_json([1, 2]) != files.sha256_of_json([2, 1])
    assert files.sha256_of_json({"a": 1}) != files.sha256_of_json({"a": "1"})


def test_a_held_folder_is_held_once(tmp_path):
    """While one program holds a folder another is refused by name; afterwards it is free."""
    again = files.held(tmp_path / "store", "curate")
    with (
        files.held(tmp_path / "store", "curate"),
        pytest.raises(StoreError, match=r"store: another `curate` is at work on it; wait for it"),
    ):
        again.__enter__()
    with files.held(tmp_path / "store", "curate"):
        assert (tmp_path / "store").is_dir()


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    """A file in the place of the folder is one line that says what to type."""
    (tmp_path / "store").touch()
    held = files.held(tmp_path / "store", "curate")
    with pytest.raises(StoreError, match=r"store: cannot be used .*; give another folder with --out"):
        held.__enter__()
