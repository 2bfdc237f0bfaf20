import pytest

from curate.errors import UsageError
from curate.report import content, order


@pytest.fixture
def kinds(tree):
    """Return a function from a build's options to (kind, detail) of its findings, with the tree's own recipe known."""

    def found(entries=None, **options):
        chosen = entries or tree.ENTRIES
        read = content.read(tree.build(chosen, **options).store)
        known = order.known_recipes(read, [str(tree.folder / "tiny.toml")])
        return [(one.kind, one.detail) for one in order.findings(read, known)]

    return found


def test_a_clean_store_has_no_findings(tree, kinds):
    """CC0, nothing rejected, everything there."""
    tree.case("a")
    assert kinds() == []


def test_what_the_recipe_does_not_expect_comes_first(tree, kinds):
    """A rejection beyond [expect] and another number of images are faults."""
    tree.case("a")
    tree.image("images/alone.nii.gz")
    found = kinds(tree.ENTRIES + "[expect]\nimages = 2\n")
    assert found == [
        ("expectation", "images: found 1, the recipe expects 2"),
        ("expectation", "no_label: found 1, the recipe expects 0"),
    ]


def test_pictures_in_a_profile_for_volumes_surprise_nobody(tree, kinds):
    """They are left out whole; that the dataset has no image is said, with the code, and is no fault."""
    tree.image("images/a.png", shape=(6, 5, 1))
    tree.label("labels/a.png", {1: 2}, shape=(6, 5, 1))
    found = kinds(tree.ENTRIES.replace(".nii.gz", ".png"), profile="sa-med3d")
    assert found == [("images", "none of its images is in the store: profile_needs_volume 1")]


def test_a_missing_file_is_a_fault(tree):
    """A label map that was deleted after the build is counted as missing and not in the size."""
    tree.case("a")
    store = tree.build().store
    before = content.read(store).size_bytes
    (gone,) = (store / "labels").rglob("*.nii.gz")
    size = gone.stat().st_size
    gone.unlink()
    read = content.read(store)
    assert (read.missing_files, read.size_bytes) == (1, before - size)
    assert "files that are not there: 1;" in order.findings(read, {})[0].detail


def test_a_recipe_that_is_not_known_is_said(tree):
    """Nothing of it is compared, and the line says how to give it."""
    tree.case("a")
    tree.image("images/alone.nii.gz")
    read = content.read(tree.build().store)
    (one,) = order.findings(read, order.known_recipes(read, []))
    assert one.kind == "recipe"
    assert "--recipe FILE" in one.detail


def test_a_recipe_of_another_content_is_refused(tree):
    """The store was built with another version of it: its expectations would be compared with the wrong thing."""
    tree.case("a")
    read = content.read(tree.build().store)
    changed = tree.write_recipe(tree.ENTRIES + "[expect]\nimages = 9\n")
    with pytest.raises(UsageError, match="nothing in this store was built with it"):
        order.known_recipes(read, [str(changed)])


def test_licences_and_unverified_recipes_are_findings(hostile):
    """Non-commercial use, what the recipe leaves unverified, and one rejection too many in the second dataset."""
    store, recipes = hostile
    read = content.read(store)
    found = order.findings(read, order.known_recipes(read, recipes))
    assert [(one.kind, one.dataset, one.detail) for one in found] == [
        ("expectation", "second", "no_label: found 1, the recipe expects 0"),
        ("recipe", "first", "not verified: the number of cases"),
        ("recipe", "second", "not verified: the number of cases"),
        ("licence", "second", "commercial use no: CC-BY-NC-4.0"),
    ]


@pytest.mark.parametrize(
    ("licence", "conflict", "start"),
    [
        ("CC0-1.0", "all rights reserved elsewhere", "conflict: CC0-1.0, but: all rights"),
        ("unclear", None, "unclear: none was found"),
        ("CC-BY-NC-4.0", None, "commercial use no"),
        ("research-only", None, "commercial use no"),
        ("data-use-agreement", None, "commercial use unclear"),
    ],
)
def test_licences_that_need_a_look(licence, conflict, start):
    """Two statements that conflict, none at all, and those that forbid or do not settle commercial use."""
    (one,) = order._of_licence("d", licence, conflict)
    assert one.detail.startswith(start)


def test_a_licence_for_every_use_is_no_finding():
    """CC BY allows commercial use."""
    assert list(order._of_licence("d", "CC-BY-4.0", None)) == []
