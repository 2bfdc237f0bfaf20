"""Every recipe that ships finds what stands in a tiny copy of its dataset, and says where its facts come from."""

from collections import Counter

import pytest

from curate import recipe, replica
from curate.plugins import shipped_names

NAMES = shipped_names("recipes")


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_finds_what_is_in_its_replica(tmp_path, name):
    """Images, masks, voxels, rejections and splits of a build are those that were put into the tree."""
    assert replica.differences(recipe.load(name), tmp_path) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_replica_leaves_no_label_of_the_recipe_out(name):
    """Every target that a recipe can find stands in its replica at least once."""
    found = recipe.load(name)
    shown = {target for file in found.replica.files for target in targets(file)}
    assert set(found.targets()) <= shown


def targets(file):
    """Return the targets that a file of a replica shows."""
    for shows in (*file.values.values(), file.shows or (), *file.each.values(), *file.objects.values()):
        yield from (shows,) if isinstance(shows, str) else shows


def test_every_recipe_says_whose_it_is_and_where_it_can_be_had():
    """Licence with evidence, citation, source, and a download or the steps to it."""
    for name in NAMES:
        found = recipe.load(name)
        facts = found.dataset
        assert found.download is not None, name
        assert all((facts.licence, facts.licence_evidence, facts.citation, facts.source)), name
        assert found.expect.cases is None or found.expect.cases > 0, name


def test_no_recipe_is_there_twice():
    """Titles differ, so that a list of recipes can be read."""
    titles = Counter(recipe.load(name).dataset.title for name in NAMES)
    assert [title for title, count in titles.items() if count > 1] == []
