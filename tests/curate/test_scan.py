import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curate import matching, scan
from curate.errors import UsageError
from curate.source_tree import SourceTree

CHANNELS = """
[[images]]
path = "{case}/t1.nii.gz"
channel = "T1"
modality = "MR"
[[images]]
path = "{case}/ct.nii.gz"
channel = "CT"
modality = "CT"
[[labels]]
path = "{case}/seg.nii.gz"
values = { 1 = "liver" }
"""


def touch(tree, *paths):
    """Make empty files: a scan reads names alone."""
    for path in paths:
        (tree.raw / path).parent.mkdir(parents=True, exist_ok=True)
        (tree.raw / path).touch()


def pairs(*keys):
    """Return the image and the label of each key."""
    return [f"{kind}/{key}.nii.gz" for key in keys for kind in ("images", "labels")]


def told(found):
    """Return path -> code of a scan's rejections."""
    return {rejection.source_path: rejection.code for rejection in found.rejections}


def account(found):
    """Return the number of files in cases plus those in rejections, each path counted once."""
    in_cases = [file.path for case in found.cases for file in case.files]
    in_rows = [rejection.source_path for rejection in found.rejections]
    assert len(set(in_cases + in_rows)) == len(in_cases + in_rows)
    return len(in_cases) + len(in_rows)


def test_files_become_cases_and_the_rest_is_counted(tree):
    """Files that the recipe names make cases, sorted; files that it does not name are only counted."""
    touch(tree, *pairs("b", "a"), "readme.txt", "images/deep/c.nii.gz")
    found = scan.find(tree.recipe(), tree.source_tree)
    assert [case.case_id for case in found.cases] == ["a", "b"]
    assert (found.named, found.unnamed, found.rejections) == (4, 2, ())
    assert [file.path for file in found.cases[0].files] == pairs("a")


def test_what_lacks_its_other_half_is_a_row(tree):
    """A label without an image and an image without a label are rows, and no case."""
    touch(tree, "images/a.nii.gz", "labels/b.nii.gz")
    found = scan.find(tree.recipe(), tree.source_tree)
    assert found.cases == ()
    assert told(found) == {"images/a.nii.gz": "no_label", "labels/b.nii.gz": "no_image"}


def test_the_entry_that_spells_out_most_takes_the_file(tree):
    """`{case}_seg.nii.gz` wins over `{case}.nii.gz`, whichever stands first."""
    entries = """
        [[images]]
        path = "{case}.nii.gz"
        modality = "CT"
        [[labels]]
        path = "{case}_seg.nii.gz"
        values = { 1 = "liver" }
    """
    touch(tree, "p1.nii.gz", "p1_seg.nii.gz")
    found = scan.find(tree.recipe(entries), tree.source_tree)
    (case,) = found.cases
    assert ([file.path for file in case.images], [file.path for file in case.labels]) == (
        ["p1.nii.gz"],
        ["p1_seg.nii.gz"],
    )


def test_a_second_file_for_one_role_is_a_row(tree):
    """Two files that claim to be one case's image: the first in order stays, the other is a row that names it."""
    entries = """
        [[images]]
        path = "*/{case}.nii.gz"
        modality = "CT"
        [[labels]]
        path = "labels/{case}.nii.gz"
        values = { 1 = "liver" }
    """
    touch(tree, "a/p.nii.gz", "b/p.nii.gz", "labels/p.nii.gz")
    found = scan.find(tree.recipe(entries), tree.source_tree)
    assert told(found) == {"b/p.nii.gz": "ambiguous_file"}
    assert "a/p.nii.gz already is" in found.rejections[0].detail


def test_label_names_must_be_known(tree):
    """A structure file whose name the recipe does not map is a row with the name; its case lives on."""
    entries = """
        [[images]]
        path = "{case}/image.nii.gz"
        modality = "CT"
        [[labels]]
        path = "{case}/seg/{label}.nii.gz"
        names = { L = "liver" }
    """
    touch(tree, "p/image.nii.gz", "p/seg/L.nii.gz", "p/seg/heart.nii.gz")
    found = scan.find(tree.recipe(entries), tree.source_tree)
    assert told(found) == {"p/seg/heart.nii.gz": "unknown_label_name"}
    assert "`heart` is not in `names`" in found.rejections[0].detail
    assert [file.name for file in found.cases[0].labels] == ["L"]


def test_system_files_are_told_from_data(tree):
    """AppleDouble twins and __MACOSX folders match the recipe's paths and are no data."""
    touch(tree, *pairs("a"), "images/._a.nii.gz", "labels/._a.nii.gz")
    found = scan.find(tree.recipe(), tree.source_tree)
    assert [case.case_id for case in found.cases] == ["a"]
    assert set(told(found).values()) == {"system_file"}
    assert found.named == 4


def test_an_excluded_case_carries_its_reason(tree):
    """Every file of an excluded case is a row with the recipe's reason."""
    touch(tree, *pairs("a", "b"))
    recipe = tree.recipe(scan_entries() + '[[exclude]]\ncase = "a"\nreason = "twice in the release"\n')
    found = scan.find(recipe, tree.source_tree)
    assert [case.case_id for case in found.cases] == ["b"]
    assert {(one.source_path, one.code, one.detail) for one in found.rejections} == {
        (path, "excluded", "twice in the release") for path in pairs("a")
    }


def scan_entries():
    """Return image and label entries with one file each per case."""
    return """
[[images]]
path = "images/{case:.+}.nii.gz"
modality = "CT"
[[labels]]
path = "labels/{case:.+}.nii.gz"
values = { 1 = "liver" }
"""


@pytest.mark.parametrize(
    "key", ["..", "...", "a/../../b", ".hidden", "a b", "ä.ö", "a\nb", "-rf", "con:", "甲", "x" * 200]
)
def test_no_case_key_leaves_the_store(tree, key):
    """Whatever a case is called, its files stay in its dataset's folders, and no name starts with a dot."""
    match = matching.Match("images/x", key, None, None, matching.ImageFile("images/x", 0))
    label = matching.Match("labels/x", key, None, None, matching.LabelFile("labels/x", 0))
    (case,) = scan._case(tree.recipe(), key, [match, label], None, [])
    assert "/" not in case.case_id
    assert case.case_id
    assert not case.case_id.startswith(".")
    assert case.case_id.isascii()
    assert case.case_id.isprintable()


def test_long_keys_are_cut_and_stay_apart(tree):
    """Keys longer than a file name may be build, and two that begin alike are two cases."""
    keys = [f"{'deep/' * 60}{name}" for name in "ab"]
    for key in keys:
        tree.image(f"images/{key}.nii.gz")
        tree.label(f"labels/{key}.nii.gz", {1: 2})
    built = tree.build(scan_entries())
    assert [row["patient_id"] for row in built.rows("images")] == keys
    assert all(len(row["case_id"]) == 163 for row in built.rows("images"))
    assert built.codes() == []


def test_keys_that_files_cannot_tell_apart_are_rows(tree):
    """Two keys that become one file name: the first is the case, each file of the other is a row that names it."""
    touch(tree, *pairs("a b", "a_b", "a?b"))
    found = scan.find(tree.recipe(), tree.source_tree)
    assert [case.patient_id for case in found.cases] == ["a b"]
    assert sorted(told(found)) == sorted(pairs("a_b", "a?b"))
    assert set(told(found).values()) == {"ambiguous_case"}
    assert "cannot be told from that of case `a_b`" in found.rejections[0].detail


def test_a_key_that_looks_like_a_layer_is_a_row(tree):
    """`a.2` could be the second layer of `a`, and `b c.3` of `b_c`, though it sorts before it."""
    touch(tree, *pairs("a", "a.2", "b c.3", "b_c", "b_c.3.4", "c.5"))
    found = scan.find(tree.recipe(), tree.source_tree)
    assert [case.case_id for case in found.cases] == ["a", "b_c", "c.5"]
    assert sorted(told(found)) == sorted(pairs("a.2", "b c.3", "b_c.3.4"))
    assert set(told(found).values()) == {"ambiguous_case"}


@pytest.mark.parametrize("key", ["p.CT", "p.T1", "p.CT.2", "p.2"])
def test_a_key_that_looks_like_a_channel_is_a_row(tree, key):
    """`p.CT.2` could be the second layer of the label maps of p's CT; `q.CT`, without a `q`, is a case."""
    touch(tree, *(f"{case}/{name}.nii.gz" for case in ("p", key, "q.CT") for name in ("t1", "ct", "seg")))
    found = scan.find(tree.recipe(CHANNELS), tree.source_tree)
    assert [case.case_id for case in found.cases] == ["p", "q.CT"]
    assert set(told(found).values()) == {"ambiguous_case"}


def test_links_are_followed_but_not_in_circles(tree):
    """Linked files and folders are found under the names of the links; a link to a folder above ends there."""
    elsewhere = tree.folder / "disk2"
    elsewhere.mkdir()
    (elsewhere / "a.nii.gz").touch()
    (tree.raw / "images").symlink_to(elsewhere)
    touch(tree, "labels/a.nii.gz")
    (tree.raw / "labels/again").symlink_to(tree.raw)
    (elsewhere / "b.nii.gz").symlink_to(elsewhere / "a.nii.gz")
    touch(tree, "labels/b.nii.gz")
    found = scan.find(tree.recipe(), tree.source_tree)
    assert [case.case_id for case in found.cases] == ["a", "b"]
    assert (found.named, found.unnamed) == (4, 0)


def test_a_store_inside_the_source_tree_is_not_scanned(tree):
    """`--out` below `--raw` is a plausible habit; the store's own files never become cases."""
    touch(tree, *pairs("a"), "store/.cases/.store.json", "store/images/a.nii.gz")
    entries = scan_entries().replace('"images/', '"{split:.*}images/')
    assert scan.find(tree.recipe(entries), tree.source_tree).named == 2


def test_an_empty_tree_has_no_cases_and_a_missing_one_is_an_error(tree):
    """An empty folder is scanned in vain; a folder that is not there is the user's slip."""
    assert scan.find(tree.recipe(), tree.source_tree) == scan.Found((), (), 0, 0)
    with pytest.raises(UsageError, match="nowhere: no such folder; give the unpacked Tiny volumes with --raw DIR"):
        scan.find(tree.recipe(), SourceTree(tree.raw / "nowhere"))


def test_a_name_that_is_no_text_is_a_row(tree):
    """A name in Latin-1, from an old zip, is a row that spells its bytes; its case goes on with what is left."""
    touch(tree, *pairs("a"))
    raw = os.fsencode(tree.raw)
    for kind in (b"images", b"labels"):
        with open(raw + b"/" + kind + b"/M\xfcller.nii.gz", "wb"):  # noqa: PTH123, bytes are the point
            pass
    found = scan.find(tree.recipe(), tree.source_tree)
    assert told(found) == {f"{kind}/M\\xfcller.nii.gz": "bad_name" for kind in ("images", "labels")}
    assert found.named == account(found) == 4


@pytest.mark.parametrize(
    ("pattern", "key", "patient"),
    [
        (r"^(p\d+)_", "p7_scan2", "p7"),
        (r"^(p\d+)_", "other", "other"),
        (r"^x(\d+)?", "x", "x"),
        (r"(\d+)$", "a/b/12", "12"),
    ],
)
def test_the_patient_is_a_group_of_the_key(tree, pattern, key, patient):
    """The first group is the patient; where it captures nothing, the case is its own patient."""
    recipe = tree.recipe().model_copy(update={"patient": pattern})
    assert scan._patient(recipe, key) == patient


def test_patient_and_split_may_stand_in_the_path(tree):
    """What `{patient}` and `{split}` capture goes with the case."""
    entries = scan_entries().replace("{case:.+}", "{split}/{patient}/{case}")
    touch(tree, "images/tr/p1/a.nii.gz", "labels/tr/p1/a.nii.gz")
    (case,) = scan.find(tree.recipe(entries), tree.source_tree).cases
    assert (case.case_id, case.patient_id, case.split) == ("a", "p1", "tr")


def test_labels_of_one_channel_leave_the_other_bare(tree):
    """A label that annotates one channel leaves an image of another one without a label."""
    touch(tree, "p/t1.nii.gz", "p/ct.nii.gz", "p/seg.nii.gz")
    recipe = tree.recipe(CHANNELS.replace("values", 'images = ["CT"]\nvalues'))
    found = scan.find(recipe, tree.source_tree)
    assert told(found) == {"p/t1.nii.gz": "no_label"}
    assert [file.path for file in found.cases[0].images] == ["p/ct.nii.gz"]


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=8)
PATHS = st.lists(st.tuples(st.sampled_from(["images", "labels", ".", "images/._"]), NAMES), max_size=12)


@given(paths=PATHS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_named_file_is_in_a_case_or_in_a_row(tree, tmp_path_factory, paths):
    """Law: named files = files in cases + files in rejections, each once, and all files = named + unnamed."""
    raw = tmp_path_factory.mktemp("raw")
    for folder, name in paths:
        path = raw / f"{folder}/{name}.nii.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    found = scan.find(tree.recipe(), SourceTree(raw))
    assert account(found) == found.named
    assert found.named + found.unnamed == sum(path.is_file() for path in raw.rglob("*"))
