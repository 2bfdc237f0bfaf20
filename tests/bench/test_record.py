"""run.json: the same run, the same bytes; what scores depend on, and nothing that depends on the moment."""

import re
import subprocess

import pytest

from bench import models, record, suite
from bench.models.reference import Oracle
from bench.runner.work import load_model
from curate.errors import StoreError
from curate.files import sha256_of_file


@pytest.fixture
def described(store, everything):
    """Return a function that describes a run of a model on the small store."""

    def describe(name="oracle", weights=None, limit=None):
        choice = models.Choice(str(name), weights)
        return record.describe(everything, load_model(choice, "test"), choice, store, limit)

    return describe


def test_the_same_run_gives_the_same_bytes(bench_run, tmp_path):
    """Two runs of one command at two moments have the same record."""
    bench_run("oracle", "one")
    bench_run("oracle", "two")
    assert (tmp_path / "one/run.json").read_bytes() == (tmp_path / "two/run.json").read_bytes()


def test_there_is_no_time_in_it(bench_run, tmp_path):
    """No date, no time of day, no worker count, no host name."""
    import datetime as dt
    import platform

    bench_run("oracle", "run")
    text = (tmp_path / "run/run.json").read_text()
    today = dt.datetime.now(tz=dt.UTC).date().isoformat()
    assert today not in text
    assert not re.search(r"\d\d:\d\d:\d\d", text)
    assert "workers" not in text
    assert f'"{platform.node()}"' not in text


def test_it_holds_what_the_contract_asks_for(described, everything, store):
    """Model card, weights digest, suite, protocol and store with hashes, versions, commit, device and seeds."""
    found = described(limit=2)
    assert found["model"]["name"] == "oracle"
    prompts = sorted(Oracle.card.capabilities.prompts)
    assert found["model"]["capabilities"] == {"dimensions": [2, 3], "prompts": prompts, "targets": []}
    assert found["weights_sha256"] is None
    assert found["suite"]["sha256"] == everything.sha256
    assert suite.Suite.model_validate(found["suite"]["content"]) == everything
    assert found["protocol"] | {"sha256": ""} == {
        "name": "random-error",
        "version": 1,
        "parameters": {"score_after": [1, 3, 5, 10]},
        "sha256": "",
    }
    assert found["store"] == {"profile": "native", "sha256": sha256_of_file(store / "manifest/store.json")}
    assert [row["dataset"] for row in found["datasets"]] == ["hard", "pictures"]
    assert (found["limit"], found["device"]) == (2, "cpu")
    assert {"python", "numpy", "medseen"} <= found["versions"].keys()


def test_weights_are_told_by_their_digest(described, tmp_path):
    """A model that does not state its digest gets that of the file; one that does is believed."""
    mine, weights = tmp_path / "mine.py", tmp_path / "w.bin"
    weights.write_bytes(b"abc")
    mine.write_text(
        "from bench.models.reference import Empty\n"
        "class Silent(Empty):\n    def __init__(self, weights): pass\n"
        "class Stating(Empty):\n    def __init__(self, weights): self.weights_sha256 = 'stated'\n"
    )
    assert described(f"{mine}:Silent", weights)["weights_sha256"] == sha256_of_file(weights)
    assert described(f"{mine}:Stating", weights)["weights_sha256"] == "stated"
    assert described(f"{mine}:Silent", weights)["model_source_sha256"] == sha256_of_file(mine)
    assert described("oracle")["model_source_sha256"] is None


@pytest.mark.parametrize("dirty", [False, True])
def test_the_commit_says_when_files_differ_from_it(tmp_path, monkeypatch, dirty):
    """The commit of the checkout stands as it is, and with `+` when a tracked file differs."""
    package = tmp_path / "bench"
    package.mkdir()
    (package / "record.py").write_text("")
    git = ["git", "-c", "user.name=n", "-c", "user.email=e@x", "-C", str(tmp_path)]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "m"]):
        subprocess.run([*git, *arguments], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    (tmp_path / "untracked").write_text("x")
    if dirty:
        (package / "record.py").write_text("changed")
    monkeypatch.setattr(record, "__file__", str(package / "record.py"))
    assert record._commit() == head + ("+" if dirty else "")


def test_without_a_checkout_there_is_no_commit(tmp_path, monkeypatch):
    """An installed package has no commit, and a broken checkout is no error."""
    monkeypatch.setattr(record, "__file__", str(tmp_path / "bench/record.py"))
    assert record._commit() is None
    (tmp_path / ".git").mkdir()
    assert record._commit() is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no run here; make one with `bench run SUITE --model MODEL --store STORE --out"),
        ("{", r"run.json: cannot be read"),
        ("[1]", r"run.json: cannot be read"),
        ("{}", r"run.json: lacks device, limit, model"),
        ("\udc00", r"run.json: cannot be read"),
    ],
)
def test_what_is_no_run_is_refused(tmp_path, content, message):
    """A folder without a record, or with a broken one, is named with what to type next."""
    if content is not None:
        (tmp_path / "run.json").write_bytes(content.encode("utf-8", "surrogatepass"))
    with pytest.raises(StoreError, match=message):
        record.read(tmp_path)
