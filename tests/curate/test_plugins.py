import importlib.metadata
import sys
from types import SimpleNamespace

import pytest

from curate import plugins, readers
from curate.errors import UnknownNameError, UsageError
from curate.plugins import Registry, nearest

BUILTIN = Registry("reader", "medseen.readers", {"nifti": "curate.readers.nifti:NiftiReader"})


class Point:
    """An entry point of some installed package."""

    def __init__(self, name, owner, loaded=None):
        self.name, self.value, self.loaded = name, f"{owner}:thing", loaded
        self.dist = SimpleNamespace(name=owner)

    def load(self):
        """Import the object."""
        if self.loaded is None:
            raise ImportError("No module named 'foo'")
        return self.loaded


@pytest.fixture
def install(monkeypatch):
    """Return a function that installs entry points into one group."""

    def installed(*points):
        monkeypatch.setattr(
            plugins.registry, "entry_points", lambda group: list(points) if group == BUILTIN.group else []
        )

    return installed


def test_builtin_and_installed_objects_share_one_list(install):
    """Names of both come sorted; each loads as what it is."""
    install(Point("dicom", "med-dicom", loaded=dict), Point("analyze", "med-old", loaded=list))
    assert BUILTIN.names() == ["analyze", "dicom", "nifti"]
    assert BUILTIN.load("dicom") is dict
    assert BUILTIN.load("nifti") is readers.nifti.NiftiReader


def test_an_unknown_name_leads_to_the_nearest(install):
    """The message has the kind, the near match and all that is known."""
    install(Point("dicom", "med-dicom", loaded=dict))
    with pytest.raises(UnknownNameError, match=r"unknown reader `nfti`; did you mean `nifti`\?; known: dicom, nifti"):
        BUILTIN.load("nfti")


def test_two_owners_of_one_name_are_an_error(install):
    """Neither a built-in nor a second package is shadowed in silence."""
    install(Point("nifti", "med-a", loaded=dict), Point("x", "med-a", loaded=dict), Point("x", "med-b", loaded=dict))
    with pytest.raises(UsageError, match="reader `nifti` is claimed by medseen and med-a; uninstall one of them"):
        BUILTIN.load("nifti")
    with pytest.raises(UsageError, match="reader `x` is claimed by med-a and med-b"):
        BUILTIN.load("x")


def test_a_plugin_that_cannot_be_imported_names_its_package(install):
    """The user learns whose plugin is broken, and how."""
    install(Point("dicom", "med-dicom"))
    with pytest.raises(UsageError, match="reader `dicom` of med-dicom cannot be imported: No module named 'foo'"):
        BUILTIN.load("dicom")


def test_names_import_nothing():
    """Listing what there is imports none of it."""
    registry = Registry("thing", "medseen.nothing", {"a": "antigravity:fly"})
    assert registry.names() == ["a"]
    assert "antigravity" not in sys.modules


@pytest.mark.parametrize(
    ("word", "hint"),
    [("lvier", "; did you mean `liver`?"), ("zzz", ""), ("", ""), ("liver", "; did you mean `liver`?")],
)
def test_only_a_near_word_is_a_hint(word, hint):
    """A hint is given for near words alone."""
    assert nearest(word, ["liver", "spleen"]) == hint


@pytest.mark.parametrize("kind", ["recipes", "profiles", "suites", "cards"])
def test_every_kind_of_shipped_file_has_some(kind):
    """Each kind has files, found by name, sorted."""
    names = plugins.shipped_names(kind)
    assert names == sorted(names)
    assert names
    assert [plugins.find(kind, name).stem for name in names] == names


def test_the_user_s_own_file_goes_by_path(tmp_path, monkeypatch):
    """A path is taken from where the user stands; the same word without slash or suffix is a shipped name."""
    (tmp_path / "mine.toml").touch()
    monkeypatch.chdir(tmp_path)
    assert plugins.find("recipes", "mine.toml").samefile(tmp_path / "mine.toml")
    assert plugins.find("recipes", "./mine.toml").samefile(tmp_path / "mine.toml")
    with pytest.raises(UnknownNameError, match=r"no recipes named `mine`.*; \d+ are shipped; `curate list` has them"):
        plugins.find("recipes", "mine")
    with pytest.raises(
        UnknownNameError, match=r"no profiles named `natve`; did you mean `native`\?; shipped: native, sa-"
    ):
        plugins.find("profiles", "natve")


def test_the_groups_of_this_distribution_are_free():
    """The distribution itself claims no entry-point group: what it has stands in literal tables."""
    own = importlib.metadata.distribution("medseen").entry_points
    assert {point.group for point in own} == {"console_scripts"}
