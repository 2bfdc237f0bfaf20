"""Which worker uses which CUDA device; devices are counted by a stand-in, since none is needed to share them out."""

import pytest
import torch

from bench import devices, models
from bench import run as runs
from bench.runner.work import Work
from curate.errors import UsageError
from curate.executor import Where


@pytest.fixture
def gpus(monkeypatch):
    """Return a function that says how many CUDA devices there are."""

    def pretend(count):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)

    return pretend


def test_workers_take_devices_in_turn(gpus):
    """Five workers on two devices: 0, 1, 0, 1, 0; one device, a named one and the CPU are left as they are."""
    gpus(2)
    assert [devices.of_worker("cuda", n) for n in range(5)] == ["cuda:0", "cuda:1", "cuda:0", "cuda:1", "cuda:0"]
    assert devices.of_worker("cuda:1", 0) == "cuda:1"
    assert devices.of_worker("cpu", 3) == "cpu"
    assert devices.of_worker("cuda", None) == "cuda"
    gpus(1)
    assert devices.of_worker("cuda", 3) == "cuda"


def test_devices_are_chosen_by_number(gpus):
    """`cuda:1` is taken where there are two; a number too high, or no device at all, is refused with what there is."""
    gpus(2)
    assert [devices.choose(name) for name in ("auto", "cuda", "cuda:0", "cuda:1")] == [
        "cuda",
        "cuda",
        "cuda:0",
        "cuda:1",
    ]
    with pytest.raises(UsageError, match="--device cuda:2: the last CUDA device here is cuda:1"):
        devices.choose("cuda:2")
    gpus(0)
    with pytest.raises(UsageError, match="--device cuda:0: no CUDA device here; give --device cpu"):
        devices.choose("cuda:0")


@pytest.mark.parametrize("word", ["tpu", "cuda:", "cuda:x", "cuda:-1", "1", "CUDA"])
def test_other_devices_are_refused(word):
    """A word that names no device is refused with those that do."""
    with pytest.raises(UsageError, match="give auto, cpu, cuda, or one CUDA device such as cuda:1"):
        devices.choose(word)


@pytest.mark.parametrize(
    ("count", "device", "given", "workers"),
    [(4, "cuda", None, 4), (1, "cuda", None, 1), (4, "cuda:2", None, 1), (4, "cpu", None, 1), (4, "cuda", 8, 8)],
)
def test_one_worker_for_each_device_unless_told(gpus, count, device, given, workers):
    """Without --workers there is a process per CUDA device that may be used; a number that was given stands."""
    gpus(count)
    assert runs._workers(Where(given), models.Choice("oracle", device=device)).workers == workers


def test_a_run_does_not_depend_on_the_number_of_its_device(gpus, bench_run, tmp_path, facts, monkeypatch):
    """run.json names the kind of device, so that a run may go on with another one of the same kind."""
    gpus(4)
    path = tmp_path / "where.py"
    path.write_text(
        "from bench.models.reference import Empty\nclass Where(Empty):\n    def __init__(self, device):\n"
        "        from pathlib import Path\n        Path(__file__).with_name('device').write_text(device)\n"
    )
    choice = models.Choice
    for device, given in (("cuda:3", "cuda:3"), ("cuda", "cuda:0")):
        monkeypatch.setattr(models, "Choice", lambda name, device=device: choice(name, device=device))
        bench_run(f"{path}:Where", "run")
        assert (tmp_path / "device").read_text() == given
        assert facts(tmp_path / "run")["device"] == "cuda"


def test_workers_of_a_scheduler_have_devices_of_their_own(gpus, everything, tmp_path, monkeypatch):
    """Where workers come from elsewhere, `cuda` is what each of them calls so."""
    gpus(2)
    made = []
    monkeypatch.setattr("bench.runner.work.load_model", lambda choice, *_: made.append(choice.device))
    for sharing in (None, 2):
        Work(everything, models.Choice("oracle", device="cuda"), "s", tmp_path, tmp_path, False, None, sharing).model()
    assert made == ["cuda", "cuda:0"]
