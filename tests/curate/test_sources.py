from pathlib import Path

import pytest

from curate import sources
from curate.errors import ConfigError, UnknownNameError


def write(tree, text):
    """Write a sources file beside the source tree."""
    path = tree.folder / "sources.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_paths_are_relative_to_the_file(tree):
    """Recipes and folders are looked for beside the sources file; shipped recipes go by name; ~ is home."""
    tree.write_recipe()
    text = '[[source]]\nrecipe = "tiny.toml"\nraw = "raw"\n'
    text += '[[source]]\nrecipe = "phantom-png"\nraw = "/data/png"\n'
    text += '[[source]]\nrecipe = "phantom-nrrd"\nraw = "~/nrrd"\n'
    found = {source.recipe.dataset.id: source.raw for source in sources.from_file(write(tree, text))}
    assert found == {
        "tiny": tree.folder / "raw",
        "phantom-png": Path("/data/png"),
        "phantom-nrrd": Path.home() / "nrrd",
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"missing key `source`"),
        ("source = []", r"`source`: .*at least 1"),
        ('[[source]]\nrecipe = "phantom-png"', r"missing key `source\.0\.raw`"),
        ('[[source]]\nrecipe = "phantom-png"\nrwa = "."', r"unknown key `source\.0\.rwa`; did you mean `raw`\?"),
        ('[[sources]]\nrecipe = "a"', r"unknown key `sources`; did you mean `source`\?"),
        ('[[source]]\nrecipe = "phantom-png"\nraw = "a"\n' * 2, r"dataset `phantom-png` stands twice"),
    ],
)
def test_a_wrong_sources_file_is_refused_in_one_line(tree, text, message):
    """Every slip names the key and what was meant."""
    with pytest.raises(ConfigError, match=message) as caught:
        sources.from_file(write(tree, text))
    assert "\n" not in str(caught.value)


def test_a_recipe_that_is_not_there_is_refused(tree):
    """A path is told from a name, and both from a recipe."""
    with pytest.raises(UnknownNameError, match=r"other\.toml: no such file"):
        sources.from_file(write(tree, '[[source]]\nrecipe = "other.toml"\nraw = "."'))
    with pytest.raises(ConfigError, match=r"nowhere\.toml: cannot be read"):
        sources.from_file(tree.folder / "nowhere.toml")


def test_one_recipe_takes_the_folder_and_several_take_folders_in_it(tmp_path):
    """`--raw DIR` is the dataset of a single recipe, and the parent of DIR/<dataset id> for several."""
    assert [source.raw for source in sources.from_names(["phantom-png"], tmp_path)] == [tmp_path]
    found = sources.from_names(["phantom-png", "phantom-nrrd"], tmp_path)
    assert [source.raw for source in found] == [tmp_path / "phantom-png", tmp_path / "phantom-nrrd"]
