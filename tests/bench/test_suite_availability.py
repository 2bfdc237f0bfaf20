"""Which tasks of a suite a store can run, what is missing, and where to get it."""

import pytest

from bench import availability, sources, suite
from bench.availability import Task, can_run, how_to_get, tasks
from bench.sources import Source
from curate.errors import ConfigError, StoreError

SUITE = """
schema = 1
name = "mine"
version = 1
description = "d"
source = "s"
[protocol]
name = "random-error"
version = 1
[[groups]]
name = "tumours"
datasets = ["hard", "elsewhere:val"]
targets = ["kidney_tumor"]
[[groups]]
name = "livers"
datasets = ["hard:test", "hard:val", "pic*"]
targets = ["liver", "lung"]
"""


@pytest.fixture
def mine(tmp_path):
    """Return a suite whose five tasks are all different."""
    path = tmp_path / "mine.toml"
    path.write_text(SUITE, encoding="utf-8")
    return suite.load(str(path))


@pytest.fixture
def recipes(tmp_path, monkeypatch):
    """Return a function that writes a recipe where `sources` looks for them."""
    monkeypatch.setattr(sources, "shipped_folder", lambda _kind: tmp_path)
    sources.source.cache_clear()
    yield lambda name, text: (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
    sources.source.cache_clear()


def test_without_a_store_the_suite_says_what_it_needs(mine):
    """Every dataset of every group is one task, with its split and the targets that the group names."""
    found = tasks(mine)
    assert [(task.group, task.dataset, task.split, task.status) for task in found] == [
        ("tumours", "hard", None, "needed"),
        ("tumours", "elsewhere", "val", "needed"),
        ("livers", "hard", "test", "needed"),
        ("livers", "hard", "val", "needed"),
        ("livers", "pic*", None, "needed"),
    ]
    assert (found[0].targets, found[0].masks) == (("kidney_tumor",), None)
    assert found[4].how is None  # a pattern promises nothing


def test_a_store_tells_what_is_ready_and_what_is_missing(mine, store):
    """Two livers lie in the test split of `hard`, none in its val split, and the store lacks `elsewhere`."""
    ready, missing, livers, empty, picture = tasks(mine, store)
    assert ready == Task("tumours", "hard", None, ("kidney_tumor",), "ready", 1, 1)
    assert (missing.status, missing.images, missing.masks) == ("missing", 0, 0)
    assert missing.how == "no recipe called `elsewhere` ships; write one with `curate init SOURCE_TREE`"
    assert livers == Task("livers", "hard", "test", ("liver",), "ready", 2, 2)
    assert (empty.status, empty.how) == ("no mask", None)
    assert picture == Task("livers", "pic*", None, ("lung",), "ready", 1, 1)


def test_only_a_suite_without_gaps_can_run(mine, store, everything):
    """One missing dataset or empty split is enough to say no."""
    assert not can_run(tasks(mine, store))
    assert can_run(tasks(everything, store)[1:])
    assert availability.can_run([])


def test_a_folder_without_a_store_is_refused(mine, tmp_path):
    """A place that is no store is named."""
    with pytest.raises(StoreError, match="no finished store here"):
        tasks(mine, tmp_path)


@pytest.mark.parametrize(
    ("download", "how"),
    [
        (
            '[download]\naccess = "open"\npage = "https://b.org"',
            "open download: https://b.org; `curate fetch x --out DIR`",
        ),
        (
            '[download]\naccess = "account"\npage = "https://b.org"',
            "needs an account or accepted terms: https://b.org; `curate fetch x --out DIR`",
        ),
        ("", "access not stated: https://a.org; `curate fetch x --out DIR`"),
    ],
)
def test_a_recipe_says_where_its_dataset_is(recipes, download, how):
    """The page of the download goes before the homepage, and the access is put in words."""
    recipes("x", f'[dataset]\ntitle = "X"\nlicence = "MIT"\nhomepage = "https://a.org"\n{download}')
    assert how_to_get("x") == how
    page = how.partition(": ")[2].partition(";")[0]
    access = "open" if "open" in how else "account" if "account" in how else None
    assert sources.source("x") == Source("x", "X", "MIT", page, access)


def test_a_recipe_without_any_page_is_still_named(recipes):
    """Nothing is made up where a recipe states neither page nor access."""
    recipes("x", '[dataset]\ntitle = "X"\n')
    assert how_to_get("x") == "access not stated: no page is known; `curate fetch x --out DIR`"


def test_a_broken_recipe_is_named(recipes):
    """A recipe that is not TOML is a configuration error, not a missing dataset."""
    recipes("x", "[dataset\n")
    with pytest.raises(ConfigError, match=r"x\.toml: cannot be read .*; see `curate check x`"):
        how_to_get("x")


def test_every_kind_of_access_of_a_recipe_has_words():
    """The words are those of `curate.recipe.download`, which `bench` does not import."""
    from typing import get_args

    from curate.recipe.download import Access

    assert set(get_args(Access)) == set(sources.ACCESS)
