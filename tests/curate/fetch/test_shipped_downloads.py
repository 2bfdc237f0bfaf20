from collections import Counter
from functools import cache

from curate import recipe
from curate.plugins import shipped_names


@cache
def downloads():
    """Return the `[download]` of every recipe that ships, by name; None where a recipe has none."""
    return {name: recipe.load(name).download for name in shipped_names("recipes")}


def fetched():
    """Return those with direct links."""
    return {name: download for name, download in downloads().items() if download is not None and download.files}


def test_many_datasets_can_be_fetched():
    """Dozens of recipes have direct links, the tasks of the Decathlon among them."""
    assert {"msd-spleen", "msd-liver", "msd-hippocampus"} <= fetched().keys()
    assert len(fetched()) > 40


def test_no_two_files_of_a_dataset_lie_in_one_place():
    """Each link of a recipe has a name and an address of its own."""
    for name, download in fetched().items():
        assert Counter(file.name for file in download.files).most_common(1)[0][1] == 1, name
        assert Counter(file.url for file in download.files).most_common(1)[0][1] == 1, name


def test_every_dataset_says_how_it_can_be_had():
    """Every recipe but those of phantoms has a page, and links or steps."""
    silent = [name for name, download in downloads().items() if download is None]
    assert [name for name in silent if not name.startswith("phantom")] == []
