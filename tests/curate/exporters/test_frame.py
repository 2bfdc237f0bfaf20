"""What every format promises: an account, licences, one finished folder, and names that stay inside it."""

import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest

from curate import manifest
from curate.errors import UnknownNameError, UsageError
from curate.exporters import REGISTRY, Selection, export, folder, frame
from curate.schema import PER_DATASET

FORMATS = ["croissant", "decathlon", "nnunet", "sa-med2d", "sam-med3d"]
EXACT = Selection(datasets=("phantom-nnunet", "phantom-png"), targets=("kidney*", "lung"))


def tree(root: Path) -> dict[str, str]:
    """Return the hash of every file below a folder."""
    files = (path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_formats_of_the_contract_are_registered():
    """Every format that ships can be asked for by name."""
    assert REGISTRY.names() == FORMATS
    assert all(callable(REGISTRY.load(name)) for name in FORMATS)


def test_an_unknown_format_is_refused_with_the_nearest(phantom_store, tmp_path):
    """A misspelt format names the one that was meant."""
    with pytest.raises(UnknownNameError, match="unknown export format `nnunt`; did you mean `nnunet`"):
        export(phantom_store, "nnunt", tmp_path / "out")


@pytest.mark.parametrize("name", FORMATS)
def test_every_chosen_mask_is_exported_or_accounted_for(name, phantom_store, tmp_path, rows_of):
    """Masks in the export and masks left out, by their rows, add up to the masks of the store."""
    report = export(phantom_store, name, tmp_path / "out")
    rows = [row for row in rows_of(tmp_path / "out/export_rejections.csv") if row["effect"] == "left_out"]
    masks = manifest.read_table(phantom_store, "masks").to_pylist()
    lost = [mask for mask in masks if any(_concerns(row, mask) for row in rows)]
    assert report.masks + len(lost) == len(masks) == 26
    assert sum(report.left_out.values()) == len(rows)


def _concerns(row: dict[str, str], mask: dict[str, object]) -> bool:
    keys = ("dataset", "case_id", "image_id", "target")
    return all(row[key] in ("", mask[key]) for key in keys)


@pytest.mark.parametrize("name", FORMATS)
def test_licences_lie_beside_every_export(name, phantom_store, tmp_path, rows_of):
    """LICENCES.csv names each exported dataset with licence, evidence, citation and what was taken from it."""
    report = export(phantom_store, name, tmp_path / "out", Selection(datasets=("phantom-n*",)))
    rows = rows_of(tmp_path / "out/LICENCES.csv")
    assert [row["dataset"] for row in rows] == ["phantom-nnunet", "phantom-nrrd"]
    assert rows[0]["licence"] == "CC-BY-4.0"
    assert rows[0]["licence_evidence"] == "page of phantom-nnunet"
    assert rows[1]["citation"] == "Doe 2026, phantom-nrrd"
    assert sum(int(row["masks"]) for row in rows) == report.masks == 23


@pytest.mark.parametrize("name", FORMATS)
def test_two_exports_have_the_same_bytes(name, phantom_store, tmp_path):
    """Nothing of an export depends on where or when it is written."""
    for out in ("one", "two"):
        export(phantom_store, name, tmp_path / out, EXACT)
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_export_again_changes_nothing(name, phantom_store, tmp_path):
    """A finished export is left as it is, and its report comes from its mark."""
    out = tmp_path / "out"
    first = export(phantom_store, name, out, EXACT)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    assert export(phantom_store, name, out, EXACT) == first
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before


@pytest.mark.parametrize("name", FORMATS)
def test_an_export_leaves_the_store_as_it_was(name, phantom_store, tmp_path):
    """Links share bytes with the store, and writing the export changes none of them."""
    before = tree(phantom_store)
    export(phantom_store, name, tmp_path / "out", EXACT)
    assert tree(phantom_store) == before


def test_another_selection_needs_another_folder(phantom_store, tmp_path):
    """A finished export is never changed into another one."""
    export(phantom_store, "decathlon", tmp_path / "out", EXACT)
    with pytest.raises(UsageError, match=r"holds another export .* delete it or give another --out"):
        export(phantom_store, "decathlon", tmp_path / "out")
    with pytest.raises(UsageError, match="holds another export"):
        export(phantom_store, "nnunet", tmp_path / "out", EXACT)


def test_a_folder_that_is_no_export_is_refused(phantom_store, tmp_path):
    """Somebody's own files are neither deleted nor mixed with an export."""
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(UsageError, match="not empty and not an export; give a new folder with --out"):
        export(phantom_store, "nnunet", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_file_is_no_folder_for_an_export(phantom_store, tmp_path):
    """A path that names a file is refused in one line."""
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be an export"):
        export(phantom_store, "nnunet", tmp_path / "file")


def test_the_store_itself_is_no_place_for_an_export(phantom_store):
    """An export inside the store would break what `curate verify` promises."""
    with pytest.raises(UsageError, match="lies inside the store"):
        export(phantom_store, "nnunet", phantom_store / "nnunet")


def test_what_a_killed_export_left_is_replaced(phantom_store, tmp_path):
    """Half an export, in its hidden folder or moved already, does not reach the finished one."""
    out = tmp_path / "out"
    (out / folder._PART / "Dataset999").mkdir(parents=True)
    (out / "Dataset501_phantom-nnunet").mkdir()
    (out / "Dataset501_phantom-nnunet/stray.nii.gz").write_text("half")
    export(phantom_store, "nnunet", out, EXACT)
    export(phantom_store, "nnunet", tmp_path / "clean", EXACT)
    assert tree(out) == tree(tmp_path / "clean")


def test_a_failed_export_leaves_no_folder(phantom_store, tmp_path, monkeypatch):
    """An error halfway removes what was written, and the next export starts afresh."""
    monkeypatch.setattr(frame.Export, "write", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        export(phantom_store, "nnunet", tmp_path / "out", EXACT)
    assert not (tmp_path / "out").exists()


def test_files_are_copied_where_links_are_refused(phantom_store, tmp_path, monkeypatch):
    """On another file system the export has the same bytes."""

    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    export(phantom_store, "nnunet", tmp_path / "linked", EXACT)
    monkeypatch.setattr(os, "link", refuse)
    export(phantom_store, "nnunet", tmp_path / "copied", EXACT)
    assert tree(tmp_path / "linked") == tree(tmp_path / "copied")
    assert all(path.stat().st_nlink == 1 for path in (tmp_path / "copied").rglob("*.nii.gz"))


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("kind", ["images", "labels"])
def test_a_missing_file_is_a_broken_store(name, kind, phantom_store, tmp_path):
    """An image or label map that the tables name and nobody finds stops the export with what to type."""
    shutil.copytree(phantom_store, tmp_path / "store")
    next((tmp_path / "store" / kind / "phantom-nrrd").glob("*.nii.gz")).unlink()
    with pytest.raises(UsageError, match="see what else is broken with `curate verify"):
        export(tmp_path / "store", name, tmp_path / "out", Selection(datasets=("phantom-nrrd",)))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        (Selection(targets=("livr",)), "--targets livr: nothing in the store matches; did you mean `liver`"),
        (Selection(datasets=("phantom-nrd",)), "--datasets phantom-nrd: .* did you mean `phantom-nrrd`"),
        (Selection(modalities=("MRI",)), "--modalities MRI: nothing in the store matches.* it has CT, XR"),
        (Selection(targets=("!livr",)), "--targets !livr: nothing in the store matches; did you mean `liver`"),
        (Selection(splits=("training",)), "--splits training: .* did you mean `train`"),
        (Selection(datasets=("phantom-png",), targets=("liver",)), "nothing to export"),
    ],
)
def test_a_selection_that_matches_nothing_is_refused(selection, message, phantom_store, tmp_path):
    """A slip in a pattern says what was probably meant, and leaves no folder."""
    with pytest.raises(UsageError, match=message):
        export(phantom_store, "sam-med3d", tmp_path / "out", selection)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("patterns", "chosen"),
    [
        ((), "abc"),
        (("a",), "a"),
        (("!a",), "bc"),
        (("[ab]", "!b"), "a"),
        (("!a", "!b"), "c"),
        (("*", "!*"), ""),
    ],
)
def test_a_pattern_with_an_exclamation_mark_leaves_out(patterns, chosen):
    """Chosen is what any pattern matches, or everything, less what a `!pattern` matches."""
    assert "".join(name for name in "abc" if Selection(datasets=patterns).takes_dataset(name)) == chosen


def test_raters_and_sequences_can_be_named():
    """`target/rater` and `modality/sequence` narrow what the plain word would choose, or leave it out."""
    assert Selection(targets=("lung",)).takes_mask("lung", "anna")
    assert not Selection(targets=("lung/ben",)).takes_mask("lung", "anna")
    assert not Selection(targets=("lung", "!*/anna")).takes_mask("lung", "anna")
    assert Selection(modalities=("MR/T1*",)).takes_image("MR", "T1c")
    assert not Selection(modalities=("MR", "!MR/T1c")).takes_image("MR", "T1c")
    assert not Selection(modalities=("MR/T1",)).takes_image("MR", None)


@pytest.mark.parametrize("name", FORMATS)
def test_patterns_choose_by_target_and_split(name, phantom_store, tmp_path):
    """Only masks of the chosen targets in images of the chosen splits are exported."""
    report = export(phantom_store, name, tmp_path / "out", Selection(targets=("kidney_*",), splits=("t*",)))
    splits = {row["image_id"]: row["split"] for row in manifest.read_table(phantom_store, "splits").to_pylist()}
    wanted = [
        row
        for row in manifest.read_table(phantom_store, "masks").to_pylist()
        if row["target"].startswith("kidney_") and splits[row["image_id"]] in ("train", "test")
    ]
    assert report.masks == len(wanted) > 0


def poisoned(store: Path, copy: Path, case_id: str, target: str) -> Path:
    """Return a copy of a store whose first CT dataset has a case and a target with names that no recipe allows."""
    shutil.copytree(store, copy)
    for name in ("images", "masks", "splits", "rejections"):
        rows = manifest.read_table(copy, name, ["phantom-nnunet"]).to_pylist()
        for row in rows:
            for key in row.keys() & {"image_id", "mask_id", "case_id", "target"}:
                row[key] = row[key] and row[key].replace("body_000", case_id).replace("liver", target)
            if "labelled_targets" in row:
                row["labelled_targets"] = [one.replace("liver", target) for one in row["labelled_targets"]]
        manifest.write_table(copy / manifest.table_path(name, "phantom-nnunet"), PER_DATASET[name], rows)
    return copy


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    ("case_id", "target"),
    [("../../../evil", "../../up"), ("<b>a b</b>", "/etc/passwd"), ("a" * 300, "x\ny"), ("..", "."), ("é", "lé ver")],
)
def test_no_name_leaves_the_folder(name, case_id, target, phantom_store, tmp_path):
    """Cases and targets may be called anything: every file lies inside the export under plain names."""
    store = poisoned(phantom_store, tmp_path / "store", case_id, target)
    out = tmp_path / "deep/out"
    report = export(store, name, out, Selection(datasets=("phantom-nnunet",)))
    assert report.masks == 12
    assert {path.name for path in tmp_path.iterdir()} == {"store", "deep"}
    assert {path.name for path in (tmp_path / "deep").iterdir()} == {"out"}
    allowed = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
    for path in out.rglob("*"):
        assert set(path.name) <= allowed
        assert not path.is_symlink()


def test_a_table_cannot_name_a_file_outside_the_store(phantom_store, tmp_path):
    """A path with `..` in a table would publish foreign files, and is refused."""
    shutil.copytree(phantom_store, tmp_path / "store")
    rows = manifest.read_table(tmp_path / "store", "images", ["phantom-png"]).to_pylist()
    rows[0]["path"] = "../secret.png"
    path = tmp_path / "store" / manifest.table_path("images", "phantom-png")
    manifest.write_table(path, PER_DATASET["images"], rows)
    with pytest.raises(UsageError, match=r"names `\.\./secret\.png`, outside the store"):
        export(tmp_path / "store", "croissant", tmp_path / "out")


@pytest.mark.parametrize("text", ["", "a--b", "-a", "a-", ".a", "a/b", "a b", "A.b_c-d", "x" * 99, "--", "../.."])
def test_safe_names_are_fixed_points(text):
    """A safe name is its own safe name, holds no `--`, and is empty only for nothing."""
    name = folder.safe_name(text)
    assert folder.safe_name(name) == name
    assert "--" not in name
    assert not name.startswith(("-", "."))
    assert bool(name) == bool(text)


def test_names_that_differ_stay_different():
    """Characters that a file name cannot carry do not make two cases one, and joined parts can be told apart."""
    names = ["a b", "a_b", "a/b", "a  b", "a-b", "a--b", "a-", "-a", "a"]
    assert len({folder.safe_name(name) for name in names}) == len(names)
    assert len({folder.joined(*parts) for parts in [("a", "b"), ("a-b",), ("a--b",), ("a", "-b"), ("a-", "b")]}) == 5


def test_two_owners_of_one_name_are_refused(tmp_path):
    """Should two cases still come to one file name, nothing is overwritten."""
    one = frame.Export(tmp_path, tmp_path, tmp_path, Selection(), ())
    assert one.claim("liver/x", "case 1") == one.claim("liver/x", "case 1") == "liver/x"
    with pytest.raises(UsageError, match="case 2 and case 1 would both be called liver/x"):
        one.claim("liver/x", "case 2")


def test_the_mark_is_written_last(phantom_store, tmp_path, monkeypatch):
    """Until everything is in its place, the folder does not look finished."""
    seen = {}

    def finish(out: Path, mark: object) -> None:
        seen["names"] = sorted(path.name for path in out.iterdir())
        seen["mark"] = json.loads(json.dumps(mark))

    monkeypatch.setattr(folder, "finish", finish)
    export(phantom_store, "decathlon", tmp_path / "out", EXACT)
    assert seen["names"] == ["LICENCES.csv", "export_rejections.csv", "phantom-nnunet", "phantom-png"]
    assert seen["mark"]["basis"]["format"] == "decathlon"
