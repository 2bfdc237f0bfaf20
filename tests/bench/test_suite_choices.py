"""What a suite chooses: seeds, frozen first prompts, a grid; and what is not chosen leaves no trace."""

import hashlib
import json
import pickle
import tomllib

import pytest

from bench import suite, trial
from bench.freeze import freeze
from bench.score import score
from curate.errors import ConfigError
from curate.plugins import find, shipped_names

HEAD = 'schema = 1\nname = "mine"\nversion = 1\ndescription = "d"\nsource = "s"\n'
PROTOCOL = '[protocol]\nname = "random-error"\nversion = 1\n'
GROUPS = '[[groups]]\nname = "all"\n'


@pytest.fixture
def write(tmp_path):
    """Write a suite from what stands in its protocol, and after it, and return its path as a string."""

    def to_file(protocol="", rest=""):
        path = tmp_path / "mine.toml"
        path.write_text(HEAD + PROTOCOL + protocol + rest + GROUPS, encoding="utf-8")
        return str(path)

    return to_file


@pytest.fixture
def frozen(write, store, tmp_path):
    """Return a function that freezes the suite's prompts and gives the path of the suite that names them."""

    def made(protocol="", sha256=None, file="first.parquet"):
        done = freeze(suite.load(write(protocol)), store, tmp_path / "first.parquet")
        named = f'[protocol.first_prompts]\nfile = "{file}"\nsha256 = "{sha256 or done.prompts_sha256}"\n'
        return write(protocol + named)

    return made


@pytest.mark.parametrize("name", shipped_names("suites"))
def test_what_is_not_chosen_is_not_hashed(name):
    """The content of a shipped suite, which says nothing of the newer choices, names none of them."""
    content = suite.load(name).model_dump(mode="json", by_alias=True)
    said = tomllib.loads(find("suites", name).read_text(encoding="utf-8"))
    assert content["protocol"] == {"parameters": {}, **said["protocol"]}
    assert content["metrics"] == {"nsd_tolerance_mm": 1.0, "nsd_tolerance_pixels": 1.0, **said.get("metrics", {})}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    assert suite.load(name).sha256 == hashlib.sha256(text.encode()).hexdigest()


def test_runs_of_the_suite_of_every_mask_go_on():
    """Its hash is the one that stands in runs made before suites could choose seeds."""
    assert suite.load("all").sha256 == "4b8aef968f047850a061cbc0197c471c392a0e633ad766dd36b4a295f94515b7"


@pytest.mark.parametrize(
    ("default", "other"),
    [(("seeds = 1\n", ""), ("seeds = 2\n", "")), (("", "[metrics]\n"), ("", "[metrics]\ngrid_mm = 1.5\n"))],
)
def test_a_choice_that_differs_changes_the_hash(write, default, other):
    """Saying the default is saying nothing; saying something else is another suite, which comes back from JSON."""
    plain, same, different = (suite.load(write(*said)) for said in (("", ""), default, other))
    assert plain.sha256 == same.sha256 != different.sha256
    assert suite.Suite.model_validate(different.model_dump(mode="json", by_alias=True)) == different


@pytest.mark.parametrize(
    ("protocol", "rest", "message"),
    [
        ("seeds = 0\n", "", "`protocol.seeds`: Input should be greater than or equal to 1"),
        ("seeds = true\n", "", "`protocol.seeds`: Input should be a valid integer"),
        ("seeds = 2.0\n", "", "`protocol.seeds`: Input should be a valid integer"),
        ("", "[metrics]\ngrid_mm = 0\n", "`metrics.grid_mm`: Input should be greater than 0"),
        ("", "[metrics]\ngrid_mm = inf\n", "`metrics.grid_mm`: Input should be a finite number"),
        (
            'first_prompts = { file = "x", sha256 = "abc" }\n',
            "",
            "`protocol.first_prompts.sha256`: String should match",
        ),
        ('first_prompts = { file = "x" }\n', "", "missing key `protocol.first_prompts.sha256`"),
    ],
)
def test_what_cannot_be_meant_is_refused(write, protocol, rest, message):
    """One line names the key and what was found."""
    with pytest.raises(ConfigError, match=message) as caught:
        suite.load(write(protocol, rest))
    assert "\n" not in str(caught.value)


def test_a_variant_has_seeds_of_its_own(write):
    """The variant's number of trials is the variant's, not the suite's."""
    variant = 'name = "thrice"\ndescription = "d"\nsource = "s"\n'
    chosen = 'protocol = { name = "ritm", version = 1, seeds = 3, parameters = { score_after = [2] } }\n'
    path = write("seeds = 2\n", f"[[variants]]\n{variant}{chosen}")
    assert trial.expected(suite.load(f"{path}@thrice")) == {(0, 2), (1, 2), (2, 2)}
    assert len(trial.expected(suite.load(path))) == 2 * 4


def test_frozen_prompts_enter_both_hashes_and_travel(write, frozen):
    """A suite with frozen prompts is another suite and another protocol, also on a worker that has no file."""
    plain = suite.load(write())
    named = suite.load(frozen())
    assert named.sha256 != plain.sha256
    there = pickle.loads(pickle.dumps(named))
    assert trial.protocol_of(there).parameters == trial.protocol_of(named).parameters
    assert trial.protocol_of(named).parameters == {
        **trial.protocol_of(plain).parameters,
        "first_prompts": named.protocol.first_prompts.sha256,
    }
    assert trial.expected(named) == trial.expected(plain)


def test_a_suite_with_frozen_prompts_gives_the_same_scores(bench_run, write, frozen, tmp_path, rows_of):
    """Two seeds score alike with drawn and with frozen first prompts, and when they are scored again."""
    bench_run("region-growing", "drawn", of=suite.load(write("seeds = 2\n")))
    chosen = suite.load(frozen("seeds = 2\n"))
    bench_run("region-growing", "frozen", of=chosen, keep_predictions=True)
    assert score(tmp_path / "frozen").scored == 8 * 2 * 4
    drawn, read = (rows_of(tmp_path / name) for name in ("drawn", "frozen"))
    assert len({row["protocol_hash"] for row in (*drawn, *read)}) == 2
    assert [row | {"protocol_hash": ""} for row in read] == [row | {"protocol_hash": ""} for row in drawn]
    assert {row["seed"] for row in drawn} == {0, 1}


@pytest.mark.slow
def test_frozen_prompts_reach_other_processes(bench_run, frozen, tmp_path, rows_of):
    """Two worker processes, which do not read the suite's file, show what one process shows."""
    chosen = suite.load(frozen("seeds = 2\n"))
    (tmp_path / "first.parquet").unlink()
    bench_run("region-growing", "here", of=chosen)
    bench_run("region-growing", "apart", of=chosen, workers=2)
    assert rows_of(tmp_path / "here") == rows_of(tmp_path / "apart")
    assert {row["status"] for row in rows_of(tmp_path / "here")} == {"ok"}


def test_frozen_prompts_win_over_what_would_be_drawn(bench_run, frozen, tmp_path, rows_of, monkeypatch):
    """When the protocol comes to draw other clicks, the first ones of the suite stay."""
    from bench.protocols.key import Key

    chosen = suite.load(frozen("parameters = { score_after = [1] }\n"))
    bench_run("region-growing", "before", of=chosen)
    original = Key.generator
    monkeypatch.setattr(Key, "generator", lambda key: original(key).spawn(1)[0])
    bench_run("region-growing", "after", of=chosen)
    assert rows_of(tmp_path / "after") == rows_of(tmp_path / "before")


def test_a_file_that_is_gone_is_refused(frozen):
    """The message says which file, and how to write it."""
    with pytest.raises(ConfigError, match=r"mine.toml: first prompts .*/gone.parquet: cannot be read .*bench freeze"):
        suite.load(frozen(file="gone.parquet"))


def test_other_prompts_than_named_are_refused(frozen):
    """The message has the hash that the file has, to be put into the suite."""
    with pytest.raises(ConfigError, match=r"their hash is [0-9a-f]{64}, the suite names 000000000000\.\.\.; give that"):
        suite.load(frozen(sha256="0" * 64))


def test_prompts_of_another_protocol_are_refused(frozen, tmp_path):
    """A suite whose protocol has changed cannot go on with the old prompts; it can be loaded to freeze new ones."""
    named = frozen()
    text = (tmp_path / "mine.toml").read_text().replace('"random-error"', '"ritm"')
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"drawn by random-error@1, or with other parameters.*`bench freeze SUITE"):
        suite.load(named)
    assert suite.load(named, frozen=False).protocol.name == "ritm"
