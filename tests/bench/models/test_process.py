"""Models in processes of their own: what they are shown and answer, and what becomes of every way to go wrong."""

import ast
import gc
import json
import runpy
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from bench.answers import answers, status_of
from bench.models.process import messages, serve
from bench.models.process import model as process
from bench.models.process.connection import Limits
from bench.models.process.model import ExecModel
from bench.records import Prompts, Stroke
from curate.errors import UsageError
from curate.geometry import Geometry
from curate.labelmap import BoxMask
from curate.volume import Volume

PROGRAMS = runpy.run_path(str(Path(__file__).with_name("process_programs.py")))
SHAPE = (6, 5, 4)
QUICK = Limits(hello=20, open=20, predict=0.5, close=5)


def image(dtype=np.int16, order="C"):
    """Return an image of known voxels on an oblique grid."""
    voxels = (np.arange(120).reshape(SHAPE) * 2).astype(dtype, order=order)
    affine = np.array([[0.9, 0.1, 0, -7.25], [-0.1, 0.9, 0, 1 / 3], [0, 0, 2.5, 0], [0, 0, 0, 1]])
    return Volume(voxels, Geometry(SHAPE, affine))


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """Return an honest model, whose program has nothing but a copy of `serve.py`."""
    folder = tmp_path_factory.mktemp("served")
    return ExecModel(PROGRAMS["served"](folder, Path(serve.__file__)), device="cuda")


@pytest.fixture
def lying(tmp_path):
    """Return a function that makes a model which lies in a given way."""
    return lambda mode, limits=QUICK: ExecModel(PROGRAMS["liar"](tmp_path, mode), limits=limits)


def statuses(model, *keys):
    """Return the status and detail of each target of an image; None where there is a mask."""
    found = answers(model.open(image()), [Prompts(key) for key in keys], SHAPE)
    return [None if one.error is None else status_of(one.error) for one in found]


def test_the_client_library_is_python_3_8():
    """The one file that is copied to other environments parses there, and imports numpy and the standard library."""
    tree = ast.parse(Path(serve.__file__).read_text(encoding="utf-8"), feature_version=(3, 8))
    imports = {node.names[0].name for node in ast.walk(tree) if isinstance(node, ast.Import)}
    froms = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imports | froms == {
        *("__future__", "collections.abc", "inspect", "json", "os", "pathlib", "sys", "traceback", "typing", "numpy")
    }


def test_the_card_comes_from_the_program(served):
    """Card, digest of weights and device cross the pipe."""
    card = served.card
    assert (card.name, card.licence, card.training_card) == ("served", "MIT", "untrained")
    assert card.description == "cuda"
    assert card.capabilities.dimensions == {2, 3}
    assert card.capabilities.prompts == {"points", "box", "target", "previous"}
    assert card.capabilities.targets == {"liver"}
    assert served.weights_sha256 == "f00"


def test_weights_are_handed_over(served, tmp_path):
    """The program gets the path of the checkpoint; one whose model takes none refuses it."""
    weights = tmp_path / "w.pth"
    program = tmp_path / "program.py"
    text = PROGRAMS["SERVED"].format(folder=str(Path(serve.__file__).parent))
    program.write_text(text, encoding="utf-8")
    assert served.card.weights == "None"
    assert ExecModel(f"{sys.executable} {program}", weights).card.weights == str(weights)
    program.write_text(text.replace("weights=None, ", "").replace("str(weights)", "''"), encoding="utf-8")
    with pytest.raises(UsageError, match="ValueError: the model has no weights; leave --weights out"):
        ExecModel(f"{sys.executable} {program}", weights)


def test_points_labels_and_previous_masks_arrive(served):
    """The answer is the positive clicks and the previous mask, voxel by voxel."""
    previous = np.zeros(SHAPE, dtype=bool)
    previous[4:, 3, 1:3] = True
    prompts = Prompts("x", previous=BoxMask.of(previous)).with_point((1, 2, 3), 1).with_point((2, 2, 2), 0)
    expected = previous.copy()
    expected[1, 2, 3] = True
    session = served.open(image())
    assert (session.predict(prompts).full() == expected).all()
    assert session.predict(Prompts("x")).count == 0
    assert len(list(served.connection.folder.iterdir())) == 1


def test_every_kind_of_prompt_arrives():
    """What the client library makes of a message has the kinds, boxes and strokes that were sent."""
    voxels = np.array([[1, 1, 1], [1, 2, 1]])
    shown = Prompts(
        "x",
        box=(0, 0, 0, 2, 2, 2),
        boxes=((0, 0, 1, 3, 3, 2), (0, 0, 2, 3, 3, 3)),
        strokes=(Stroke("scribble", voxels, 0), Stroke("lasso", voxels + 1, 1)),
        target="liver",
    ).with_point((1, 2, 3), 1)
    fields = json.loads(json.dumps(messages.prompt_fields(shown, Path(), "")))
    got = serve.Prompts(fields, serve.Image(image().voxels, np.eye(4), "mm"), Path())
    assert got.kinds == shown.kinds == {"points", "box", "boxes", "scribble", "lasso", "target"}
    assert (got.box, tuple(got.boxes)) == (shown.box, shown.boxes)
    assert [(one.tool, one.voxels_ijk.tolist(), one.label) for one in got.strokes] == [
        ("scribble", [[1, 1, 1], [1, 2, 1]], 0),
        ("lasso", [[2, 2, 2], [2, 3, 2]], 1),
    ]


def test_boxes_arrive_and_may_come_back(served):
    """A mask may be given as its box and the voxels in it."""
    mask = served.open(image()).predict(Prompts("x", box=(1, 0, 2, 4, 5, 3)))
    assert mask.box == (1, 0, 2, 4, 5, 3)
    assert mask.voxels.all()


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.float32, ">i2"])
def test_voxels_arrive(served, dtype, order):
    """Voxels of every type and memory order are the same on the other side; so are views of others."""
    whole = image(dtype, order)
    for one in (whole, Volume(whole.voxels[::-1], whole.geometry)):
        mask = served.open(one).predict(Prompts("x", target="bright"))
        assert (mask.full() == (one.voxels > 100)).all()


@pytest.mark.parametrize(
    ("target", "status", "detail"),
    [
        ("unknown", "unsupported", "no unknown here"),
        ("memory", "out_of_memory", "MemoryError: 8 GB"),
        ("late", "timeout", "TimeoutError: tired"),
        ("exit", "failed", "ProgramError: SystemExit: 4"),
        ("probabilities", "failed", "holds values other than 0 and 1: apply the model's threshold"),
        ("small", "failed", "the mask is bool of shape (1, 2, 3), expected (6, 5, 4)"),
    ],
)
def test_what_the_model_raises_becomes_its_status(served, target, status, detail):
    """An error on the other side is the status of its target; the program and the other targets go on."""
    generation = served.connection.generation
    shown = [Prompts("good").with_point((1, 1, 1), 1), Prompts("bad", target=target)]
    good, bad = answers(served.open(image()), shown, SHAPE)
    found = status_of(bad.error)
    assert found[0] == status
    assert detail in found[1]
    assert good.mask.count == 1
    assert served.connection.generation == generation


@pytest.mark.parametrize(
    ("mode", "status", "detail"),
    [
        ("exits", "failed", "ProgramError: the program ended with status 3; it wrote last: out of patience"),
        ("segfault", "failed", "ProgramError: the program was ended by SIGSEGV"),
        ("hangs", "timeout", "TimeoutError: no answer within 0.5 s"),
        ("closes", "failed", "ProgramError: the program closed its standard output"),
        ("garbage", "failed", "answered `predict` with 'Loading model... 100%', expected a JSON object with \"id\": "),
        ("binary", "failed", "answered `predict` with '\ufffd"),
        ("list", "failed", "answered `predict` with '[1, 2]'"),
        ("other id", "failed", 'answered `predict` with \'{"id": 0'),
        ("endless", "failed", "answered with more than 4194304 bytes: 'xxx"),
        ("few", "failed", "answered with the masks [], expected a list of 1"),
        ("no list", "failed", "answered with the masks 5, expected a list of 1"),
        ("no box", "failed", "answered with the mask {'file': None}, expected a `box` of six whole numbers"),
        ("float box", "failed", "answered with the mask {'box': [0.5, 0, 0, 0, 0, 0]"),
        ("elsewhere", "failed", "answered with the file '../../etc/passwd', expected the name of a .npy file"),
        ("missing", "failed", "answered with none.npy, which cannot be read"),
        ("no array", "failed", "answered with a.npy, which cannot be read"),
        ("large", "failed", "answered with 100000 bytes in a.npy, more than the image has room for"),
        ("wrong shape", "failed", "answered with box (0, 0, 0, 1, 1, 1) and voxels (2, 1, 1)"),
        ("error word", "failed", "answered with the error 'no', expected an object"),
    ],
)
def test_what_goes_wrong_is_one_targets_status(lying, mode, status, detail):
    """A crash, a hang or nonsense concerns the target that was asked for; the others are answered by a new start."""
    started = time.monotonic()
    before, bad, after = statuses(lying(mode), "before", "bad", "after")
    assert (before, after) == (None, None)
    assert bad[0] == status
    assert detail in bad[1]
    assert time.monotonic() - started < 20


@pytest.mark.parametrize(
    ("mode", "detail"),
    [
        ("version", "speaks version 2 of the protocol, expected 1"),
        ("no card", "says hello with the card None, expected an object"),
        ("no licence", "card: `licence` must be a word, found None"),
        ("smells", r"card: `prompts` must be a list of some of \['box', 'boxes', .*\], found \['smells'\]"),
        ("seconds", "`seconds`: expected open, predict or close and a number, found predict: -1"),
        ("silent", "TimeoutError: no answer within 0.6 s"),
        ("loses weights", "KeyError: neck"),
    ],
)
def test_a_bad_hello_is_wrong_usage(lying, mode, detail):
    """A program that does not introduce itself is one line that names it and where to read on."""
    with pytest.raises(UsageError, match=rf"^exec:\S+python.*: {detail}.*; docs/your-model.md has the protocol$"):
        lying(mode, Limits(hello=0.6 if mode == "silent" else 20))


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (" ", "exec: names no program; give `exec:COMMAND`"),
        ("/no/such/program x", "ended with status 127; it wrote last: /no/such/program: No such file or directory"),
        ("true", "the program ended with status 0"),
        ("sh -c 'echo hello; sleep 9'", r"answered `hello` with 'hello', expected a JSON object with \"id\": 1"),
    ],
)
def test_what_is_no_program_of_ours_is_wrong_usage(command, message):
    """A command that cannot be run, or that runs something else, is refused at once."""
    with pytest.raises(UsageError, match=message):
        ExecModel(command, limits=QUICK)


def test_programs_may_state_their_own_limits(lying):
    """The limit of an answer is the program's own where its hello has one."""
    (bad,) = statuses(lying("own seconds", Limits()), "bad")
    assert bad == ("timeout", "TimeoutError: no answer within 0.4 s")


def test_images_are_forgotten_with_their_sessions(served):
    """When a session is gone its file is removed at once, and the program is told before the next request."""
    folder = served.connection.folder
    session = served.open(image())
    assert len(list(folder.iterdir())) == 1
    del session
    gc.collect()
    assert list(folder.iterdir()) == []
    assert len(served.closed) == 1
    served.open(image())
    assert len(served.closed) == 1


def test_two_images_at_once(served):
    """Sessions of two images do not meet."""
    first, second = served.open(image()), served.open(Volume(image().voxels * 0, image().geometry))
    assert second.predict(Prompts("x", target="bright")).count == 0
    assert first.predict(Prompts("x", target="bright")).count == (image().voxels > 100).sum()


def test_long_standard_error_is_cut(lying, monkeypatch):
    """A program that writes much to its standard error does not fill the disk."""
    from bench.models.process import program

    monkeypatch.setattr(program, "_MOST_STDERR", 5)
    model = lying("exits")
    assert statuses(model, "bad")[0][0] == "failed"
    assert statuses(model, "good") == [None]


def test_commands_mean_the_same_everywhere(tmp_path, monkeypatch):
    """Paths in a command become absolute, options and programs stay; a changed program is another model."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "my model.py"
    path.write_text("1", encoding="utf-8")
    command = "python -u 'my model.py' --fold 3"
    assert process.resolved(command) == f"python -u '{path}' --fold 3"
    before = process.source_sha256(command)
    assert before == process.source_sha256(process.resolved(command))
    path.write_text("2", encoding="utf-8")
    assert process.source_sha256(command) != before
    assert process.source_sha256("python -m model") is None
