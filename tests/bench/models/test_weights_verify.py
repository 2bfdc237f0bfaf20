"""A downloaded checkpoint checked without data: what passes, what fails, and what it says."""

import dataclasses
import hashlib
import json
from pathlib import Path

import pytest
import torch

from bench import models
from bench.cli import main
from bench.models import verify as module
from bench.models.verify import verify
from bench.models.weights import Published


class Tiny:
    """A model with a network of two entries."""

    def __init__(self, weights: Path) -> None:
        raise AssertionError(f"is never made of {weights}: verification needs no model")

    def unfilled(self):
        """Return the network without memory."""
        with torch.device("meta"):
            return torch.nn.Linear(3, 2)


class Adapting(Tiny):
    """A model that takes checkpoints with another name for the bias."""

    def adapted(self, state, expected):
        """Rename."""
        return {name if name in expected else "bias": value for name, value in state.items()}


@pytest.fixture(autouse=True)
def _registered(monkeypatch):
    """Register the stand-ins."""
    known = {"tiny": Tiny, "adapting": Adapting, "plain": dict}
    monkeypatch.setattr(models.REGISTRY.__class__, "load", lambda _, name: known[name])


def saved(path, **changes):
    """Write a checkpoint of the network, changed."""
    state = {"weight": torch.ones(2, 3), "bias": torch.zeros(2)} | changes
    torch.save({"model_state_dict": {name: value for name, value in state.items() if value is not None}}, path)
    return path


def results(rows):
    """Return result and detail of each check, by its first words."""
    return {row["check"].split(" ")[0]: (row["result"], row["detail"]) for row in rows}


def test_a_checkpoint_that_fits_passes(tmp_path):
    """Names, shapes and values pass; its digest is in no table."""
    path = saved(tmp_path / "w.pth")
    rows = results(verify("tiny", path))
    assert [result for result, _ in rows.values()] == ["pass"] * 4 + ["unknown"]
    assert rows["can"][1] == "2 entries"
    assert rows["values"][1] == "8 values"
    assert hashlib.sha256(path.read_bytes()).hexdigest() in rows["is"][1]


@pytest.mark.parametrize(
    ("changes", "check", "detail"),
    [
        ({"bias": None}, "names", "1 missing (bias)"),
        ({"head": torch.zeros(1)}, "names", "1 unexpected (head)"),
        ({"weight": torch.ones(3, 2)}, "shapes", "weight is (3, 2), expected (2, 3)"),
        ({"bias": torch.tensor([0.0, float("nan")])}, "values", "NaN or infinity in 1 entries (bias)"),
        ({"bias": torch.tensor([0.0, float("inf")])}, "values", "NaN or infinity in 1 entries (bias)"),
    ],
)
def test_what_does_not_fit_fails_alone(tmp_path, changes, check, detail):
    """One fault, one failed check, which names it."""
    rows = results(verify("tiny", saved(tmp_path / "w.pth", **changes)))
    assert {name for name, (result, _) in rows.items() if result == "fail"} == {check}
    assert rows[check][1] == detail


def test_a_model_may_take_other_checkpoints(tmp_path):
    """What `adapted` makes of the entries is what is compared."""
    path = saved(tmp_path / "w.pth", bias=None, offset=torch.zeros(2))
    assert results(verify("adapting", path))["names"][0] == "pass"
    assert results(verify("tiny", path))["names"][0] == "fail"


def test_damaged_file_is_one_failed_check(tmp_path):
    """What cannot be read has nothing else to check."""
    path = saved(tmp_path / "w.pth")
    path.write_bytes(path.read_bytes()[:700])
    (row,) = verify("tiny", path)
    assert row["result"] == "fail"
    assert "truncated, or not a PyTorch file" in row["detail"]


def test_models_without_a_network_of_ours_take_no_part(tmp_path):
    """Neither a model without `unfilled` nor a user's own file is checked."""
    assert verify("plain", tmp_path / "w.onnx") == []
    assert verify("own.py:Model", tmp_path / "w.pth") == verify("exec:./serve", tmp_path / "w.pth") == []


def test_digest_is_compared_with_the_published_one(tmp_path, monkeypatch):
    """Equal: pass with its licence. Of another model, or another digest under a published name: fail."""
    path = saved(tmp_path / "w.pth")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    row = Published("w.pth", ("tiny",), "https://x", "MIT", path.stat().st_size, digest, "here", None)
    monkeypatch.setattr(module, "published", lambda: (row,))
    assert results(verify("tiny", path))["is"] == ("pass", f"w.pth, MIT, sha256 {digest}")
    assert results(verify("adapting", path))["is"] == ("fail", "w.pth is for tiny")
    other = dataclasses.replace(row, sha256="0" * 64)
    monkeypatch.setattr(module, "published", lambda: (other,))
    assert results(verify("tiny", path))["is"] == (
        "fail",
        f"w.pth was published with sha256 {'0' * 64}, found {digest}",
    )


def test_command_shows_the_table_and_stops_at_a_checkpoint_that_does_not_fit(tmp_path, monkeypatch, capsys):
    """A failed check is exit status 1, and no model is made of such a file."""
    monkeypatch.setattr("bench.conformance.check", lambda *_: pytest.fail("no phantom is tried"))
    path = saved(tmp_path / "w.pth", bias=None)
    assert main(["check-model", "tiny", "--weights", str(path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["check", "result", "detail"]
    assert any("fail" in line and "1 missing (bias)" in line for line in lines)


def test_command_goes_on_to_the_phantoms_where_the_checkpoint_fits(tmp_path, monkeypatch, capsys):
    """Both tables are one, and a digest that nobody stated is no fault."""
    phantom = {"check": "phantom", "result": "pass", "detail": ""}
    asked = []
    monkeypatch.setattr("bench.conformance.check", lambda *given: [phantom] if asked.append(given) is None else [])
    path = saved(tmp_path / "w.pth")
    assert main(["check-model", "tiny", "--weights", str(path), "--device", "cpu", "--json"]) == 0
    assert asked == [("tiny", path, "cpu", 60.0, ())]
    rows = json.loads(capsys.readouterr().out)
    assert [row["result"] for row in rows] == ["pass"] * 4 + ["unknown", "pass"]
