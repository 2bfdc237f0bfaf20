"""Checkpoints: what is accepted, what is refused, and that nothing in a file is run."""

import argparse
import hashlib
import os
import pickle

import numpy as np
import pytest
import torch

from bench.models.checkpoint import fill, load_state_dict
from curate.errors import UsageError


@pytest.fixture
def state():
    """Return a small state dict."""
    return {"weight": torch.arange(6.0).view(2, 3), "bias": torch.tensor([1.0, 2.0])}


def one_line(error: pytest.ExceptionInfo) -> bool:
    """Tell whether an error is one line."""
    return "\n" not in str(error.value)


@pytest.mark.parametrize("wrapper", [None, "model_state_dict", "state_dict", "model"])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_wrapped_and_bare_files_give_the_same_state(tmp_path, state, wrapper, prefix):
    """Wrapping, training arguments and the data-parallel prefix make no difference to what is loaded."""
    named = {prefix + name: value for name, value in state.items()}
    args = argparse.Namespace(lr=8e-4, device=["cuda:0"], task_name="union")
    content = named if wrapper is None else {wrapper: named, "epoch": 199, "losses": [0.5], "args": args}
    path = tmp_path / "weights.pth"
    torch.save(content, path)
    loaded, digest = load_state_dict(path)
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert loaded.keys() == state.keys()
    assert all(torch.equal(loaded[name], state[name]) for name in state)


def test_a_name_that_only_begins_alike_is_kept(tmp_path, state):
    """The data-parallel prefix is removed only where every name carries it."""
    path = tmp_path / "weights.pth"
    torch.save({"module.weight": state["weight"], "bias": state["bias"]}, path)
    assert load_state_dict(path)[0].keys() == {"module.weight", "bias"}


def test_whole_training_file_is_read(tmp_path):
    """A file as the published script saves it, with optimizer, schedule and NumPy losses, gives its state dict."""
    network = torch.nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(network.parameters())
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [120, 180], 0.1)
    network(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    schedule.step()
    content = {
        "epoch": 199,
        "model_state_dict": network.state_dict(),
        "optimizer_state_dict": optimizer.state_dict(),
        "lr_scheduler_state_dict": schedule.state_dict(),
        "losses": [np.float64(0.5), np.float32(0.25)],
        "best_dice": np.float64(0.9),
        "args": argparse.Namespace(lr=8e-4),
        "used_datas": ["ct_AMOS"],
    }
    torch.save(content, tmp_path / "weights.pth")
    loaded, _ = load_state_dict(tmp_path / "weights.pth")
    assert torch.equal(loaded["weight"], network.weight)


class Payload:
    """Runs a command when it is unpickled."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self):
        """Return what an unpickler would call."""
        return os.system, (self.command,)


@pytest.mark.parametrize("legacy", [False, True])
def test_payload_is_refused_and_not_run(tmp_path, state, legacy):
    """A file that would run a command is refused by the command's name, and the command does not run."""
    trace = tmp_path / "ran"
    path = tmp_path / "weights.pth"
    content = {"model_state_dict": state, "args": Payload(f"touch {trace}")}
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(UsageError, match=r"refused, because it wants to load \w+\.system") as error:
        load_state_dict(path)
    assert one_line(error)
    assert not trace.exists()


def test_payload_inside_the_allowed_class_is_refused(tmp_path, state):
    """What hides inside the training arguments is refused as well."""
    trace = tmp_path / "ran"
    path = tmp_path / "weights.pth"
    torch.save({"state_dict": state, "args": argparse.Namespace(lr=Payload(f"touch {trace}"))}, path)
    with pytest.raises(UsageError, match="system"):
        load_state_dict(path)
    assert not trace.exists()


def test_plain_pickle_is_refused_and_not_run(tmp_path):
    """A pickle that PyTorch never wrote is no checkpoint, and its payload does not run."""
    trace = tmp_path / "ran"
    path = tmp_path / "weights.pth"
    path.write_bytes(pickle.dumps(Payload(f"touch {trace}")))
    with pytest.raises(UsageError, match=r"weights\.pth: "):
        load_state_dict(path)
    assert not trace.exists()


def test_unknown_class_is_named(tmp_path, state):
    """The line names the class that was refused."""
    path = tmp_path / "weights.pth"
    torch.save({"state_dict": state, "masks": np.zeros(3)}, path)
    with pytest.raises(UsageError, match="wants to load numpy") as error:
        load_state_dict(path)
    assert one_line(error)


@pytest.mark.parametrize("keep", [0, 1, 100, 700])
def test_truncated_file_is_one_line(tmp_path, state, keep):
    """A download cut short anywhere says so in one line."""
    path = tmp_path / "weights.pth"
    torch.save(state, path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UsageError, match="truncated, or not a PyTorch file") as error:
        load_state_dict(path)
    assert one_line(error)


@pytest.mark.parametrize(
    "content", [[1, 2], {}, {"model_state_dict": {}}, {"epoch": 3}, torch.zeros(2), {1: torch.zeros(1)}]
)
def test_file_without_state_dict_is_one_line(tmp_path, content):
    """A PyTorch file that holds no names with tensors is no checkpoint."""
    path = tmp_path / "weights.pth"
    torch.save(content, path)
    with pytest.raises(UsageError, match="holds no state dict"):
        load_state_dict(path)


@pytest.mark.parametrize("name", ["missing.pth", "."])
def test_missing_file_says_what_to_type(tmp_path, name):
    """A path that names no file asks for one."""
    with pytest.raises(UsageError, match="no such file; name the checkpoint with --weights FILE"):
        load_state_dict(tmp_path / name)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.float64])
def test_fill_gives_values_in_the_dtype_of_the_network(tmp_path, state, dtype):
    """Values arrive unchanged, cast to float32, also in a network that has no memory yet."""
    with torch.device("meta"):
        network = torch.nn.Linear(3, 2)
    fill(network, {name: value.to(dtype) for name, value in state.items()}, tmp_path)
    assert network.weight.dtype == torch.float32
    assert network(torch.tensor([1.0, 0.0, 0.0])).tolist() == [1.0, 5.0]


def test_fill_names_what_does_not_fit(tmp_path, state):
    """Counts, and up to three names of each kind, in one line."""
    wrong = {"weight": state["weight"].T, **{f"head.{n}": torch.zeros(1) for n in range(5)}}
    expected = (
        r"another model: 1 missing \(bias\); 5 unexpected \(head\.0, head\.1, head\.2, \.\.\.\); "
        r"1 differently shaped \(weight\)"
    )
    with pytest.raises(UsageError, match=expected) as error:
        fill(torch.nn.Linear(3, 2), wrong, tmp_path / "weights.pth")
    assert one_line(error)
