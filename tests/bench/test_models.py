"""Models by name, from a user's file, with weights and devices: made, or refused in one line."""

import numpy as np
import pytest

from bench import devices, models
from bench.models.base import as_mask
from bench.records import Prompts
from curate.errors import UnknownNameError, UsageError
from curate.labelmap import BoxMask

HEAD = """
from __future__ import annotations
from dataclasses import dataclass, field
from bench.models.base import Capabilities, ModelCard
from bench.models.reference import Empty

CARD = ModelCard("mine", "d", "MIT")
"""


@pytest.fixture
def write(tmp_path):
    """Write a file of models; return the function that names one of its objects."""

    def to_file(content, name="mine.py"):
        path = tmp_path / name
        path.write_text(HEAD + content, encoding="utf-8")
        return lambda attribute: f"{path}:{attribute}"

    return to_file


@pytest.mark.parametrize("name", ["oracle", "box-fill", "empty", "region-growing"])
def test_shipped_models_are_made_by_name(name):
    """The name is the card's name."""
    assert models.load(name).card.name == name


def test_unknown_names_have_a_hint():
    """A misspelt model names its neighbour and all that there are."""
    with pytest.raises(
        UnknownNameError, match=r"unknown model `sam-med3`; did you mean `sam-med3d`.*; known: box-fill"
    ):
        models.load("sam-med3")


@pytest.mark.parametrize(
    ("content", "attribute", "message"),
    [
        ("import nothing_like_it", "A", r"mine.py: cannot be imported: ModuleNotFoundError: No module named"),
        ("def broken(:", "A", r"mine.py: cannot be imported: SyntaxError"),
        ("raise SystemExit(4)", "A", r"mine.py: cannot be imported: SystemExit: 4"),
        ("x = 1", "Missing", r"mine.py has no `Missing`"),
        ("x = 1", "x", r"is a int; name a class, or a function that makes one"),
        (
            "def make(): raise KeyError('layers\\n.0')",
            "make",
            r"cannot be made: KeyError: .*; check --model and --weights",
        ),
        ("def make(): exit(1)", "make", "cannot be made: SystemExit: 1"),
        ("def make(): return 5", "make", r"needs a `card` and `open\(image\)`; found int"),
        (
            "class A:\n    card = 'mine'\n    def open(self, image): ...",
            "A",
            "must be a bench.models.base.ModelCard, found 'mine'",
        ),
        (
            "class A:\n    card = CARD\n    def open_with_references(self, i, r): ...",
            "A",
            "must say sees_reference=True",
        ),
        ("class A(Empty):\n    def __init__(self, size): ...", "A", "cannot be made: TypeError"),
    ],
)
def test_what_is_no_model_is_refused(write, content, attribute, message):
    """A file, an object or a factory that gives no model is one line of wrong usage."""
    with pytest.raises(UsageError, match=message) as caught:
        models.load(write(content)(attribute))
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_refused():
    """A path that is not there says what a model's name looks like."""
    with pytest.raises(
        UnknownNameError, match=r"nowhere.py: no such file; --model takes a name or path/to/file.py:Name"
    ):
        models.load("nowhere.py:Model")


def test_a_dataclass_with_postponed_annotations_is_a_model(write):
    """A user's file may use dataclasses under `from __future__ import annotations`, as any module may."""
    name = write("@dataclass\nclass A(Empty):\n    sizes: list[int] = field(default_factory=list)\n")("A")
    assert models.load(name).sizes == []


def test_files_of_one_name_do_not_meet(tmp_path):
    """Two files called alike in two folders are two modules; an edited one is read again."""
    names = []
    for folder, word in (("a", "first"), ("b", "second")):
        (tmp_path / folder).mkdir()
        path = tmp_path / folder / "numpy.py"
        path.write_text(HEAD + f"class A(Empty):\n    word = '{word}'\n")
        names.append(f"{path}:A")
    assert [models.load(name).word for name in names] == ["first", "second"]
    (tmp_path / "a/numpy.py").write_text(HEAD + "class A(Empty):\n    word = 'third'\n")
    assert models.load(names[0]).word == "third"
    assert np.__name__ == "numpy"


def test_models_get_the_arguments_that_they_take(write, tmp_path):
    """Weights and device go to whoever takes them, by name or by `**options`."""
    weights = tmp_path / "w"
    weights.write_bytes(b"")
    name = write(
        "class Both(Empty):\n    def __init__(self, device, weights): self.got = (weights, device)\n"
        "class Any(Empty):\n    def __init__(self, **options): self.got = (options['weights'], options['device'])\n"
        "class Device(Empty):\n    def __init__(self, device): self.got = device\n"
    )
    assert models.load(name("Both"), weights, "cuda").got == (weights, "cuda")
    assert models.load(name("Any"), weights, "cpu").got == (weights, "cpu")
    assert models.load(name("Device"), None, "cpu").got == "cpu"
    with pytest.raises(UsageError, match="has no weights; leave --weights out"):
        models.load(name("Device"), weights)


def test_weights_that_are_not_there_are_refused(write, tmp_path):
    """A missing checkpoint is told before the model is made."""
    name = write("class A(Empty):\n    def __init__(self, weights): raise AssertionError\n")("A")
    with pytest.raises(UsageError, match=r"w.pth: no such file; name the checkpoint with --weights FILE"):
        models.load(name, tmp_path / "w.pth")


def test_the_weights_of_a_model_without_any_are_refused(tmp_path):
    """--weights for a model that has none is not ignored."""
    with pytest.raises(UsageError, match="model `oracle` has no weights; leave --weights out"):
        models.load("oracle", tmp_path)


def test_a_model_that_takes_no_device_runs_on_the_cpu(monkeypatch):
    """What a machine has does not change the record of a model that does not use it; asking for CUDA is refused."""
    monkeypatch.setattr(devices, "choose", lambda device: "cuda" if device != "cpu" else "cpu")
    assert models.device_for("oracle", "auto") == "cpu"
    assert models.device_for("oracle", "cpu") == "cpu"
    assert models.device_for("sam-med3d", "auto") == "cuda"
    with pytest.raises(UsageError, match="model `oracle` takes no device; leave --device out"):
        models.device_for("oracle", "cuda")


def test_auto_takes_what_is_there(monkeypatch):
    """`auto` is CUDA where there is one, `cuda` without one is refused, and `cpu` asks nobody."""
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert [devices.choose(name) for name in ("auto", "cpu", "cuda")] == ["cuda", "cpu", "cuda"]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert devices.choose("auto") == "cpu"
    with pytest.raises(UsageError, match="--device cuda: no CUDA device here; give --device cpu"):
        devices.choose("cuda")


def test_names_of_files_are_made_absolute(tmp_path, monkeypatch):
    """A worker in another folder finds the user's file; names of shipped models stay."""
    monkeypatch.chdir(tmp_path)
    assert models.resolved("sub/mine.py:A") == f"{tmp_path}/sub/mine.py:A"
    assert models.resolved("oracle") == "oracle"


def test_answers_are_shrunk_and_copied():
    """A loose box becomes the bounding box, in memory of its own."""
    voxels = np.zeros((4, 5, 6), dtype=bool)
    voxels[1:3, 2, 3:6] = True
    loose = BoxMask((10, 10, 10), (2, 3, 4, 6, 8, 10), voxels)
    answer = as_mask(loose, (10, 10, 10))
    assert answer.box == (3, 5, 7, 5, 6, 10)
    assert (answer.full() == loose.full()).all()
    voxels[:] = False
    assert answer.count == 6


def test_prompts_pair_points_with_labels():
    """A point without a label is refused; kinds say what is there; a copy is equal and apart."""
    with pytest.raises(ValueError, match="need as many labels"):
        Prompts("x", np.zeros((2, 3), dtype=np.int64), np.zeros(1, dtype=np.int64))
    shown = Prompts("x", box=(0, 0, 0, 1, 1, 1)).with_point((1, 2, 3), 1)
    assert shown.kinds == {"points", "box"}
    assert Prompts("x").kinds == frozenset()
    copy = shown.copy()
    copy.points_ijk[:] = 9
    copy.labels[:] = 9
    assert (shown.points_ijk.tolist(), shown.labels.tolist(), shown.box) == ([[1, 2, 3]], [1], copy.box)
