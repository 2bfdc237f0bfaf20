import json
import os

import pytest

from curate import profile, store
from curate.case import Piece
from curate.errors import StoreError
from curate.profile import Profile
from curate.scan import find

NATIVE = profile.load("native")


def piece_path(root):
    """Return where the piece of case `a` lies."""
    return root / ".cases/tiny/a.json"


def test_a_piece_comes_back_as_it_was_saved(tmp_path):
    """What a case added survives the file, under its own fingerprint alone."""
    piece = Piece(images=[{"image_id": "tiny/ä", "spacing_mm": [0.1, 1 / 3, 2.0]}], files={})
    store.save_piece(tmp_path, "tiny", "a", piece, "mark")
    assert store.load_piece(tmp_path, "tiny", "a", "mark", "missing") == piece
    assert store.load_piece(tmp_path, "tiny", "a", "other", "missing") is None
    assert store.load_piece(tmp_path, "tiny", "b", "mark", "missing") is None


@pytest.mark.parametrize(("resume", "same", "other"), [("missing", 1, 0), ("never", 0, 0), ("always", 1, 1)])
def test_the_resume_policy_decides_which_pieces_count(tmp_path, resume, same, other):
    """`missing` keeps what is unchanged, `never` keeps nothing, `always` keeps what is there."""
    store.save_piece(tmp_path, "tiny", "a", Piece(), "mark")
    assert (store.load_piece(tmp_path, "tiny", "a", "mark", resume) is not None) == same
    assert (store.load_piece(tmp_path, "tiny", "a", "new mark", resume) is not None) == other


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"', "null", "{}", '{"fingerprint": "mark", "colour": 3}'])
def test_a_piece_that_is_none_is_built_again(tmp_path, text):
    """A piece that is not what this version writes counts as missing, whatever the policy."""
    piece_path(tmp_path).parent.mkdir(parents=True)
    piece_path(tmp_path).write_text(text, encoding="utf-8")
    assert store.load_piece(tmp_path, "tiny", "a", "mark", "always") is None


def test_a_piece_whose_file_is_gone_is_built_again(tmp_path):
    """A finished case counts only while every file that it wrote is there."""
    (tmp_path / "image").touch()
    store.save_piece(tmp_path, "tiny", "a", Piece(files={"image": "0", "label": "0"}), "mark")
    assert store.load_piece(tmp_path, "tiny", "a", "mark", "always") is None
    (tmp_path / "label").touch()
    assert store.load_piece(tmp_path, "tiny", "a", "mark", "always") is not None


def test_the_fingerprint_sees_what_a_case_depends_on(tree):
    """Size, time, presence, recipe and profile change a case's fingerprint; another case's files do not."""
    tree.case("a")
    tree.case("b")
    recipe = tree.recipe()
    case = find(recipe, tree.source_tree).cases[0]
    common = store.basis(recipe, NATIVE)

    def mark():
        return store.fingerprint(case, tree.source_tree, common)

    marks = [mark()]
    image = tree.raw / "images/a.nii.gz"
    state = image.stat()
    tree.image("images/b.nii.gz", seed=5)
    assert mark() == marks[0]
    os.utime(image, ns=(state.st_atime_ns, state.st_mtime_ns + 1))
    marks.append(mark())
    with image.open("ab") as stream:
        stream.write(b"x")
    os.utime(image, ns=(state.st_atime_ns, state.st_mtime_ns))
    marks.append(mark())
    image.unlink()
    marks.append(mark())
    marks.append(store.fingerprint(case, tree.source_tree, store.basis(recipe, profile.load("sa-med3d"))))
    changed = recipe.model_copy(update={"patient": "(a)"})
    marks.append(store.fingerprint(case, tree.source_tree, store.basis(changed, NATIVE)))
    assert len(set(marks)) == len(marks)


def test_only_a_folder_that_is_empty_or_a_store_will_do(tmp_path):
    """A folder with other things in it, a file, and a place below a file are refused and left alone."""
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(StoreError, match="not empty and not a store; give a new folder with --out"):
        store.prepare(tmp_path, NATIVE)
    with pytest.raises(StoreError, match=r"thesis\.tex: cannot be a store \(Not a directory\); give another folder"):
        store.prepare(tmp_path / "thesis.tex", NATIVE)
    with pytest.raises(StoreError, match=r"cannot be a store \(Not a directory\)"):
        store.prepare(tmp_path / "thesis.tex" / "store", NATIVE)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_another_profile_is_refused(tmp_path):
    """A finished store, and one that was finished before a killed build, keep to their profile."""
    store.prepare(tmp_path, NATIVE)
    store.finish(tmp_path, NATIVE, [])
    other = Profile.model_validate({"schema": 1, "name": "other", "description": "", "source": ""})
    for _ in range(2):
        with pytest.raises(StoreError, match="built with profile `native`, now `other`; give another --out"):
            store.prepare(tmp_path, other)
        store.prepare(tmp_path, NATIVE)


def test_preparing_removes_what_a_killed_writer_left(tmp_path):
    """Half-written files vanish, and nothing else does."""
    store.prepare(tmp_path, NATIVE)
    (tmp_path / "images/tiny").mkdir(parents=True)
    (tmp_path / "images/tiny/.part-0a1b2c-a.nii.gz").touch()
    (tmp_path / "images/tiny/a.nii.gz").touch()
    store.prepare(tmp_path, NATIVE)
    assert [path.name for path in (tmp_path / "images/tiny").iterdir()] == ["a.nii.gz"]


def test_the_store_says_what_it_is(tree, digests):
    """`store.json` has version, profile, counts, and the true hash of every other file outside the pieces."""
    tree.case("a")
    built = tree.build()
    content = json.loads((built.store / "manifest/store.json").read_text(encoding="utf-8"))
    assert content["schema_version"] == 1
    assert content["profile"] == {"name": "native", "sha256": NATIVE.sha256, "spacing_mm": None}
    assert content["counts"] == {"datasets": 1, "images": 1, "masks": 2, "patients": 1, "rejections": 0}
    found = {name: digest for name, digest in digests(built.store).items() if not name.startswith(".cases/")}
    del found["manifest/store.json"]
    assert content["files"] == found
