import json

import pytest

from curate.errors import ConfigError
from curate.split_lists import listed_splits

CASES = {"p1", "p2", "p3", "p4"}


@pytest.fixture
def listed(tree):
    """Return a function that gives the splits of `CASES` by lists, each (file, content, further keys of the recipe)."""

    def call(*lists, cases=""):
        entries = tree.ENTRIES + (f"[splits.cases]\n{cases}\n" if cases else "")
        for name, content, keys in lists:
            if content is not None:
                (tree.raw / name).parent.mkdir(parents=True, exist_ok=True)
                (tree.raw / name).write_text(content, encoding="utf-8")
            entries += f'[[splits.lists]]\nfile = "{name}"\n{keys}\n'
        return listed_splits(tree.recipe(entries), tree.source_tree, CASES)

    return call


def test_a_text_has_one_key_per_line(listed):
    """Lines are keys but for blanks around them; lines of several words and empty ones are none."""
    content = "p1\n  p2  \r\n\nsee the paper\np9\n"
    assert listed(("val.txt", content, 'split = "val"')) == {"p1": "val", "p2": "val", "p9": "val"}


def test_an_expression_finds_keys_within_lines(listed):
    """The first group is the key, as often as it is found in a line; what captures nothing is none."""
    table = "id;split\np1;train\np2,p3;test\nx;test\n"
    keys = "split = 'test'\ncase = '(p\\d)(?=.*;test$)|x'"
    assert listed(("meta.csv", table, keys)) == {"p2": "test", "p3": "test"}


@pytest.mark.parametrize(
    ("content", "key", "wanted"),
    [
        ([{"train": ["p1"], "val": ["p2"]}, {"val": ["p3"]}], 'key = "0.val"', {"p2"}),
        ({"a": [{"image": "images/p1.nii"}, {"image": "images/p4.nii"}], "b": "p2"}, 'key = "a"', {"p1", "p4"}),
        ({"a": {"deep": ["p1", 7, None, {"x": "p2"}]}}, "", {"p1", "p2"}),
    ],
)
def test_json_is_searched_for_strings_below_its_key(listed, content, key, wanted):
    """`key` leads through objects and arrays; below it every string counts, and nothing else."""
    keys = f"split = 'test'\ncase = '(p\\d)'\n{key}"
    assert listed(("splits.json", json.dumps(content), keys)) == dict.fromkeys(wanted, "test")


def test_a_mark_at_the_start_of_a_file_is_no_part_of_a_key(listed):
    """Tables from Windows begin with a byte order mark."""
    assert listed(("val.txt", "\ufeffp1\n", 'split = "val"')) == {"p1": "val"}
    assert listed(("val.json", '\ufeff["p2"]', 'split = "val"')) == {"p2": "val"}


def test_the_more_held_out_split_wins(listed):
    """A case in several lists, or in a list and in the recipe, stands in test before val before train."""
    lists = [("a.txt", "p1\np2\n", "split = 'train'"), ("b.txt", "p2\np3\n", "split = 'val'")]
    assert listed(*lists, cases='test = ["p3"]\ntrain = ["p4"]') == {
        "p1": "train",
        "p2": "val",
        "p3": "test",
        "p4": "train",
    }


@pytest.mark.parametrize(
    ("name", "content", "keys", "message"),
    [
        ("a.txt", None, "", r"a\.txt: the list of splits cannot be read \(FileNotFoundError"),
        (
            "a.txt",
            "patient-1\n",
            "",
            r"tiny: a\.txt names no case \(found `patient-1`\); set `case` in \[\[splits\.lists",
        ),
        ("a.txt", "", "", r"tiny: a\.txt names no case \(found nothing\)"),
        ("a.json", "{", "", r"a\.json: the list of splits cannot be read \(JSONDecodeError"),
        ("a.json", '{"val": ["p1"]}', 'key = "test"', r"a\.json: the list of splits cannot be read \(KeyError: 'test'"),
        ("a.json", '[["p1"]]', 'key = "3"', r"cannot be read \(IndexError"),
        ("a.json", '[["p1"]]', 'key = "val"', r"cannot be read \(ValueError"),
        ("a.json", '{"val": 3}', 'key = "val.0"', r"cannot be read \(TypeError"),
    ],
)
def test_a_list_that_tells_nothing_stops_at_once(listed, name, content, keys, message):
    """A list that is not there, cannot be read or names no case is one line, before hours of work."""
    with pytest.raises(ConfigError, match=message) as caught:
        listed((name, content, f'split = "val"\n{keys}'))
    assert "\n" not in str(caught.value)


def test_keys_of_the_recipe_must_be_cases(listed):
    """`[splits.cases]` of which none is there was written for other keys; some may be missing."""
    with pytest.raises(ConfigError, match=r"tiny: \[splits\.cases\] names no case \(found `x1`, `x2`\); write what"):
        listed(cases='test = ["x1"]\nval = ["x2"]')
    assert listed(cases='test = ["p1"]\nval = ["x2"]') == {"p1": "test", "x2": "val"}


def test_listed_splits_reach_the_table(tree):
    """A case in a list is `official`, one in none is `hashed`; a list in a folder is found."""
    for name in ("p1", "p2"):
        tree.case(name)
    (tree.raw / "lists").mkdir()
    (tree.raw / "lists/test.txt").write_text("p1\n", encoding="utf-8")
    entries = tree.ENTRIES + "[splits]\ntrain = 1.0\nval = 0.0\ntest = 0.0\n"
    rows = tree.build(entries + '[[splits.lists]]\nfile = "lists/test.txt"\nsplit = "test"\n').rows("splits")
    assert [(row["patient_id"], row["split"], row["origin"]) for row in rows] == [
        ("p1", "test", "official"),
        ("p2", "train", "hashed"),
    ]
