"""Is a downloaded checkpoint the one that a model takes, and whole? Checked without data."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import models
from bench.models.checkpoint import load_state_dict, some_names
from bench.models.weights import Published, published
from curate.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

Row = dict[str, str]


def verify(name: str, path: Path) -> list[Row]:
    """Check a checkpoint against a shipped or installed model's network and the table of published files.

    A model takes part when its class has a method `unfilled` that returns the network and needs no weights; where it
    has `adapted`, that is applied to the checkpoint before.

    Args:
        name: Of the model.
        path: The checkpoint.

    Returns:
        A row per check: `check`, `result` (pass, fail, or unknown where nothing is known to compare with), `detail`.
        None for a model that does not take part, such as a user's own file.

    Raises:
        UnknownNameError: When no model has that name.
    """
    own = name.startswith("exec:") or ".py:" in name
    factory: Any = None if own else models.REGISTRY.load(name)
    if not hasattr(factory, "unfilled"):
        return []
    try:
        state, digest = load_state_dict(path)
    except UsageError as error:
        return [_row("can be read without running code", str(error), "")]
    blank = factory.__new__(factory)
    expected = blank.unfilled().state_dict()
    adapted = blank.adapted(state, expected) if hasattr(blank, "adapted") else state
    return [
        _row("can be read without running code", None, f"{len(state)} entries"),
        *_network_rows(adapted, expected),
        _row("values are finite", _infinite(state), f"{sum(one.numel() for one in state.values())} values"),
        _published_row(name, path, digest),
    ]


def _network_rows(state: "Mapping[str, Tensor]", expected: "Mapping[str, Tensor]") -> list[Row]:
    missing, unexpected = expected.keys() - state.keys(), state.keys() - expected.keys()
    found = {"missing": missing, "unexpected": unexpected}
    names = "; ".join(f"{len(keys)} {what} ({some_names(keys)})" for what, keys in found.items() if keys)
    wrong = [
        f"{key} is {tuple(state[key].shape)}, expected {tuple(expected[key].shape)}"
        for key in expected
        if key in state and state[key].shape != expected[key].shape
    ]
    shapes = "; ".join([*wrong[:3], "..."] if len(wrong) > 3 else wrong)
    return [
        _row("names are those of the network", names, f"{len(expected)} names"),
        _row("shapes are those of the network", shapes, f"{len(expected.keys() & state.keys())} shapes"),
    ]


def _infinite(state: "Mapping[str, Tensor]") -> str | None:
    import torch

    bad = [key for key, value in state.items() if not torch.isfinite(value).all()]
    return f"NaN or infinity in {len(bad)} entries ({some_names(bad)})" if bad else None


def _published_row(name: str, path: Path, digest: str) -> Row:
    """Compare with the published files: by digest, and by name where a file's digest is stated."""
    what = "is a published file"
    by_digest = [one for one in published() if one.sha256 == digest]
    if by_digest:
        mine = name in by_digest[0].models
        wrong = None if mine else f"{by_digest[0].file} is for {', '.join(by_digest[0].models)}"
        return _row(what, wrong, f"{by_digest[0].file}, {by_digest[0].licence}, sha256 {digest}")
    namesakes: list[Published] = [one for one in published() if one.file == path.name and one.sha256 is not None]
    if namesakes:
        return _row(what, f"{path.name} was published with sha256 {namesakes[0].sha256}, found {digest}", "")
    return {"check": what, "result": "unknown", "detail": f"sha256 {digest} is not in the table (bench list weights)"}


def _row(check: str, problem: str | None, detail: str) -> Row:
    return {"check": check, "result": "fail" if problem else "pass", "detail": problem or detail}
