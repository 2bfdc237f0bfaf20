"""Whatever files are called, a draft is TOML that says so and nothing else; and it is written once or not at all."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.draft import draft, id_of, toml, write
from curate.draft.templates import Member, narrowed, plain
from curate.errors import UsageError
from curate.recipe import compile_path

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
HOSTILE = (
    'quote"s',
    "apo'strophe",
    "new\nline",
    "tab\tand \x7f",
    "{case}",
    "{rater:.*}",
    "br{ace",
    "br}ace",
    "back\\slash",
    "a*b",
    "reg(ex)[a-z]+.?^$|",
    "]] = 1 #",
    "<script>alert(1)</script>",
    "$(touch hacked)",
    "`id`",
    "--out",
    "%s%n",
    "ünïcode 肝",
    " spaced ",
    "...",
)


@given(TEXT)
def test_strings_survive(text):
    """A string read back from TOML is the text that went in, as value, as key and in an inline table."""
    assert tomllib.loads(f"a = {toml.string(text)}")["a"] == text
    assert tomllib.loads(f"{toml.key(text)} = 1") == {text: 1}
    assert tomllib.loads(f"a = {toml.inline({text: text})}")["a"] == {text: text}


@given(st.text(max_size=300))
def test_comments_stay_comments(text):
    """No text, not even one with lone surrogates or line breaks, gets out of its comment."""
    lines = toml.comments([text])
    assert tomllib.loads("\n".join(lines).encode("utf-8", "replace").decode()) == {}
    assert all(line.startswith("# ") for line in lines)


@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1), min_size=1, unique=True
    )
)
def test_narrowed_paths_match_their_members(cases):
    """A path made of some keys captures each of them whole."""
    members = [Member(f"a/{case}_liver.png", "a/{case}_{label}.png", case, "liver") for case in cases]
    pattern = compile_path(narrowed(members, {}))
    assert all(pattern.fullmatch(f"a/{plain(case)}_liver.png") is not None or case != plain(case) for case in cases)


def test_narrowed_leaves_other_files_alone():
    """Between a plain `{case}` and other files that it would take, the path is narrowed to the shape of the keys."""
    members = [Member(f"a_{case}.png", "a_{case}.png", case) for case in ("s01", "s02")]
    assert narrowed(members, {"a_t{case}.png": ["a_t9.png"]}) == "a_{case}.png"  # spells out more, and so wins
    assert narrowed(members, {"{case}.png": ["a_t9.png"]}) == r"a_{case:s\d+}.png"


@pytest.mark.parametrize("word", HOSTILE)
def test_hostile_names_are_names(draft_of, word):
    """Folders, cases and structures with any name are found, and the tree and the working folder stay as they were."""
    before = sorted(Path.cwd().iterdir())
    files = {f"{word}/{word}{n}/image.nii.gz": "@ct" for n in (1, 2)}
    files |= {f"{word}/{word}{n}/{word} mask.nii.gz": "@labels 1" for n in (1, 2)}
    found = draft_of(files)
    assert found.counts == (2, 2, 2)
    assert found.found.rejections == ()
    assert sorted(Path.cwd().iterdir()) == before


@pytest.mark.parametrize("word", HOSTILE)
def test_hostile_keys_are_keys(draft_of, word):
    """Keys in file names are found as well, with two structures behind them."""
    files = {f"images/{word} {n}.nii.gz": "@ct" for n in (1, 2)}
    files |= {f"labels/{word} {n}_{name}.nii.gz": "@labels 1" for n in (1, 2) for name in ("liver", "spleen")}
    found = draft_of(files)
    assert found.counts == (2, 2, 4)
    assert set(found.recipe.targets()) == {"liver", "spleen"}


@pytest.fixture
def made(maker):
    """Return a draft of two pairs."""
    files = {f"{kind}/{n}.nii.gz": what for n in "ab" for kind, what in (("images", "@ct"), ("masks", "@labels 1"))}
    return draft(maker.plant(files), "mine")


def test_write_refuses_to_overwrite(made, tmp_path):
    """What a person has finished is not lost to a second draft, and nothing half-written is left behind."""
    path = tmp_path / "out" / "mine.toml"
    write(path, made)
    path.write_text("finished", encoding="utf-8")
    with pytest.raises(UsageError, match="is there already; give another place with --out, or remove it"):
        write(path, made)
    assert path.read_text(encoding="utf-8") == "finished"
    assert list(path.parent.iterdir()) == [path]


def test_write_keeps_out_of_the_source_tree(made):
    """A draft is not written into the dataset, not even through a link."""
    with pytest.raises(UsageError, match="lies in the source tree, which stays as it is"):
        write(made.tree / "sub" / "mine.toml", made)
    link = made.tree.parent / "link"
    link.symlink_to(made.tree)
    with pytest.raises(UsageError, match="lies in the source tree"):
        write(link / "mine.toml", made)
    assert not (made.tree / "sub").exists()


def test_write_wants_the_name_that_loads(made, tmp_path):
    """A recipe whose file is not called like its id would be refused later, so it is refused now."""
    with pytest.raises(UsageError, match=r"write it to mine\.toml"):
        write(tmp_path / "other.toml", made)


def test_write_says_why_it_cannot(made, tmp_path):
    """A file where a folder should be is an error in one line."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match="cannot be written"):
        write(tmp_path / "file" / "mine.toml", made)


@pytest.mark.parametrize("name", ["", "My Data", "a/b", "-x", "ü"])
def test_ids_that_recipes_refuse_are_refused(maker, name):
    """An id has to be what recipes take, and the message offers one made of the folder's name."""
    tree = maker.plant({"a.txt": "x"}, "My Data (v2)")
    with pytest.raises(UsageError, match=r"is no dataset id; .* --id my-data-v2"):
        draft(tree, name)


def test_id_of_a_folder(tmp_path):
    """Folder names become ids: small letters, and a hyphen for whatever else."""
    names = {"Task03_Liver": "task03_liver", "My Data (v2)": "my-data-v2", "...": "dataset"}
    assert {name: id_of(tmp_path / name) for name in names if name != "..."} | {"...": "dataset"} == names


def test_missing_folder(tmp_path):
    """A folder that is not there is named."""
    with pytest.raises(UsageError, match="no such folder; give the unpacked dataset"):
        draft(tmp_path / "nowhere", "mine")
