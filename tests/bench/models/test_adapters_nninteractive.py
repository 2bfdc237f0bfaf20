"""nnInteractive through a stand-in with the public interface of its package: what it is shown, and what comes back."""

import sys
from pathlib import Path

import numpy as np
import pytest

from bench.errors import UnsupportedError
from bench.models.adapters.nninteractive import NnInteractive
from bench.records import Prompts
from curate.errors import UsageError
from curate.geometry import Geometry
from curate.labelmap import BoxMask
from curate.volume import Volume

STAND_IN = '''
"""Grows a cube at every click inside, cuts one out at every click outside; remembers what it was asked."""

class nnInteractiveInferenceSession:
    def __init__(self, device, use_torch_compile, verbose, torch_n_threads, do_autozoom):
        self.log = []
        self.options = (str(device), do_autozoom)

    def initialize_from_trained_model_folder(self, model_training_output_dir, use_fold=None, checkpoint_name="x"):
        self.folder = model_training_output_dir

    def set_image(self, image, image_properties=None):
        assert image.ndim == 4
        self.log.append(("image", image.shape))
        self.image = image

    def set_target_buffer(self, target_buffer):
        assert target_buffer.shape == self.image.shape[1:]
        self.buffer = target_buffer

    def reset_interactions(self):
        self.log.append(("reset",))
        self.buffer.fill(0)

    def add_point_interaction(self, coordinates, include_interaction, run_prediction=True):
        assert run_prediction
        self.log.append(("point", coordinates, include_interaction))
        self.buffer[tuple(slice(max(0, n - 1), n + 2) for n in coordinates)] = include_interaction

    def add_initial_seg_interaction(self, initial_seg, run_prediction=False):
        assert initial_seg.shape == self.image.shape[1:]
        self.log.append(("mask", int(initial_seg.sum()), run_prediction))
        self.buffer[:] = initial_seg
'''
GRID = Geometry((9, 8, 7), np.diag([1.0, 2.0, 3.0, 1.0]))


@pytest.fixture
def model(tmp_path, monkeypatch):
    """Return the model over the stand-in, which lies where the package would."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "nnInteractive"]:
        monkeypatch.delitem(sys.modules, name)
    package = tmp_path / "site/nnInteractive/inference"
    package.mkdir(parents=True)
    (package / "inference_session.py").write_text(STAND_IN)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    weights = tmp_path / "nnInteractive_v1.0"
    weights.mkdir()
    (weights / "plans.json").write_text("{}")
    yield NnInteractive(weights)
    for name in [name for name in sys.modules if name.partition(".")[0] == "nnInteractive"]:
        del sys.modules[name]


@pytest.fixture
def image():
    """Return an image whose voxels all differ."""
    return Volume(np.arange(9 * 8 * 7, dtype=np.int16).reshape(GRID.shape_ijk), GRID)


def log_of(model):
    """Return what the stand-in was asked since the last time."""
    session = model._engine.session
    log, session.log = session.log, []
    return log


def click(point, label=1, key="x"):
    """Return prompts of one point."""
    return Prompts(key).with_point(point, label)


def test_axes_go_in_as_simpleitk_has_them(model, image):
    """The image goes in as (1, k, j, i) with raw values, points as (k, j, i), and the mask comes back as (i, j, k)."""
    mask = model.open(image).predict(click((4, 3, 2)))
    session = model._engine.session
    assert (session.image[0] == image.voxels.transpose(2, 1, 0)).all()
    assert ("point", (2, 3, 4), True) in session.log
    assert mask.box == (3, 2, 1, 6, 5, 4)
    assert mask.voxels.all()


def test_a_further_click_is_the_only_one_shown(model, image):
    """Asked again with one more point, the package is shown that point alone."""
    session = model.open(image)
    session.predict(click((4, 3, 2)))
    log_of(model)
    mask = session.predict(click((4, 3, 2)).with_point((4, 3, 3), 0))
    assert log_of(model) == [("point", (3, 3, 4), False)]
    assert not mask.full()[4, 3, 3]


def test_an_answer_depends_on_the_prompts_alone(model, image):
    """Another target, another image or fewer clicks in between change nothing; two targets at once are two masks."""
    session, prompts = model.open(image), click((4, 3, 2)).with_point((4, 3, 3), 0)
    first = session.predict(prompts)
    other = session.predict(click((1, 1, 1), key="y"))
    model.open(Volume(image.voxels[::-1], GRID)).predict(click((0, 0, 0)))
    session.predict(click((4, 3, 2)))
    again = session.predict(prompts)
    assert (again.full() == first.full()).all()
    assert not (other.full() & first.full()).any()
    assert session.predict(prompts).count == first.count


def test_a_click_that_fails_leaves_nothing_behind(model, image, monkeypatch):
    """After an error inside the package, the next answer is that of its own prompts, all shown anew."""
    session, prompts = model.open(image), click((4, 3, 2))
    expected = session.predict(prompts)
    stand_in = model._engine.session

    def broken(*_, **__):
        stand_in.buffer[:] = 1
        raise RuntimeError("out of memory")

    with monkeypatch.context() as patched:
        patched.setattr(stand_in, "add_point_interaction", broken)
        with pytest.raises(RuntimeError, match="out of memory"):
            session.predict(prompts.with_point((1, 1, 1), 1))
    assert (session.predict(prompts).full() == expected.full()).all()


def test_a_mask_to_start_from(model, image):
    """A previous mask goes in before the clicks; alone, it is refined at once; another mask starts anew."""
    start = np.zeros(GRID.shape_ijk, dtype=bool)
    start[6:8, 6, 5] = True
    session = model.open(image)
    shown = Prompts("x", previous=BoxMask.of(start))
    session.predict(shown)
    assert log_of(model)[1:] == [("reset",), ("mask", 2, True)]
    mask = session.predict(shown.with_point((1, 1, 1), 1))
    assert log_of(model) == [("reset",), ("mask", 2, False), ("point", (1, 1, 1), True)]
    assert mask.full()[6:8, 6, 5].all()
    session.predict(click((1, 1, 1)))
    assert log_of(model) == [("reset",), ("point", (1, 1, 1), True)]


@pytest.mark.parametrize(
    ("prompts", "message"),
    [
        (Prompts("x"), "takes points and a mask to start from, found no prompt"),
        (Prompts("x", box=(0, 0, 0, 2, 2, 2)), r"found \['box'\]"),
        (click((9, 0, 0)), r"point \(9, 0, 0\) lies outside the image \(9, 8, 7\)"),
    ],
)
def test_unsupported_prompts(model, image, prompts, message):
    """Boxes, nothing at all, and points outside are refused."""
    with pytest.raises(UnsupportedError, match=message):
        model.open(image).predict(prompts)


@pytest.mark.parametrize(
    ("voxels", "message"),
    [
        (np.zeros((9, 8, 1)), "takes volumes"),
        (np.full((9, 8, 7), np.nan), "holds NaN or infinity"),
        (np.full((9, 8, 7), 3), "every voxel of the image is 3, which nnInteractive cannot normalise"),
    ],
)
def test_unsupported_images(model, voxels, message):
    """Single slices, NaN, and images without contrast are refused."""
    with pytest.raises(UnsupportedError, match=message):
        model.open(Volume(voxels, Geometry(voxels.shape, np.eye(4))))


def test_the_published_defaults_go_to_the_package(model):
    """The package zooms out by default, on the device that is asked for, with the folder that is named."""
    assert model._engine.session.options == ("cpu", True)
    assert Path(model._engine.session.folder).name == "nnInteractive_v1.0"


def test_missing_parts_are_told(tmp_path):
    """No weights and no package are one line each."""
    with pytest.raises(UsageError, match=r"nninteractive needs weights: add --weights FOLDER"):
        NnInteractive(None)
    import importlib.util

    if importlib.util.find_spec("nnInteractive") is None:
        with pytest.raises(UsageError, match=r"needs the package nnInteractive: type .* 'medseen\[nninteractive\]'"):
            NnInteractive(tmp_path)
