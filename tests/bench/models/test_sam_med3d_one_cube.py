"""The inferences of the published code: one cube, where it stands, what is shown in it."""

import runpy
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.errors import UnsupportedError
from bench.models.sam_med3d import decoding
from bench.models.sam_med3d.one_cube import OneCubeSession
from bench.models.sam_med3d.options import CROP, NATIVE, Options
from bench.records import Prompts
from curate.labelmap import BoxMask
from curate.volume import Volume

phantoms = runpy.run_path(str(Path(__file__).with_name("sam_med3d_phantoms.py")))
oblique, upright, ball = (phantoms[name] for name in ("oblique", "upright", "ball"))
clicks, dice, nearest_voxel = (phantoms[name] for name in ("clicks", "dice", "nearest_voxel"))
stand_ins = runpy.run_path(str(Path(__file__).with_name("sam_med3d_stand_ins.py")))
Bright, Attentive = stand_ins["Bright"], stand_ins["Attentive"]


@pytest.fixture(autouse=True)
def _two_threads():
    """Keep to two threads, as the other users of a machine expect."""
    before = torch.get_num_threads()
    torch.set_num_threads(min(2, before))
    yield
    torch.set_num_threads(before)


def noise(shape):
    """Return an image without any structure."""
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def boxed(prompts, box):
    """Return prompts with a box beside the points."""
    return Prompts(prompts.key, prompts.points_ijk, prompts.labels, box)


@pytest.mark.parametrize("options", [CROP, NATIVE])
def test_ball_is_found_on_a_turned_grid(options):
    """A ball that fits into the cube comes back on the image's own oblique, anisotropic, mirrored grid."""
    geometry = oblique((300, 210, 84), (0.9, 1.3, 3.2))
    mask, image = ball(geometry, (20, 30, -10), 30)
    network = Bright()
    prompts = boxed(clicks(nearest_voxel(geometry, (20, 30, -10))), BoxMask.of(mask).box)
    found = OneCubeSession(network, image, options).predict(prompts)
    assert found.shape_ijk == geometry.shape_ijk
    assert found.box == BoxMask.of(found.full()).box
    assert dice(found.full(), mask) > 0.95
    assert len(network.encoded) == 1


def test_cube_stands_around_the_box_and_else_around_the_first_click():
    """On a 1.5 mm grid: box 10..30 and 40..61 and 5..6 has its middle at 20, 50, 5; a click at (12, 45, 5) is there."""
    image = Volume(noise((80, 90, 40)), upright((80, 90, 40)))
    network = Bright()
    session = OneCubeSession(network, image, NATIVE)
    session.predict(boxed(clicks((12, 45, 5)), (10, 40, 5, 30, 61, 6)))
    session.predict(clicks((12, 45, 5), (13, 45, 5)))
    shown = [points[0].tolist() for points, _, _ in network.shown]
    assert shown[0] == [[64 - 20 + 12, 64 - 50 + 45, 64.0]]
    assert shown[1:] == [[[64.0, 64.0, 64.0]], [[64.0, 64.0, 64.0], [65.0, 64.0, 64.0]]]


@pytest.mark.parametrize(("options", "shown"), [(CROP, [1, 1, 1]), (NATIVE, [1, 2, 3])])
def test_points_shown_and_previous_answers(options, shown):
    """`crop` shows the newest point, `native` all so far; both with the previous logits, the first with zeros."""
    image = Volume(noise((60, 60, 60)), upright((60, 60, 60)))
    network = Attentive()
    OneCubeSession(network, image, options).predict(clicks((30, 30, 30), (31, 20, 30), (20, 30, 40), labels=[1, 0, 1]))
    assert [points.shape[1] for points, _, _ in network.shown] == shown
    assert [bool(previous.any()) for _, _, previous in network.shown] == [False, True, True]


def test_orientation_is_a_choice_and_its_published_defaults_differ():
    """On a mirrored grid `native` turns the cube to R, A, S and `crop` leaves it as it is."""
    geometry = oblique((40, 40, 40), (1.5, 1.5, 1.5), turn=0)
    image = Volume(noise((40, 40, 40)), geometry)
    cubes = {}
    for canonical in (True, False):
        for name, options in (("crop", CROP), ("native", NATIVE)):
            network = Bright()
            chosen = Options(canonical=canonical, points_fed=options.points_fed, max_windows=1)
            OneCubeSession(network, image, chosen).predict(clicks((20, 20, 20)))
            cubes[name, canonical] = network.encoded[0]
            if options.canonical == canonical:
                published = Bright()
                OneCubeSession(published, image, options).predict(clicks((20, 20, 20)))
                assert torch.equal(published.encoded[0], network.encoded[0])
    assert not torch.equal(cubes["crop", True], cubes["crop", False])
    assert CROP.canonical != NATIVE.canonical


def test_clamp_is_off_unless_chosen():
    """With `clamp_ct` what lies beyond [-1000, 1000] HU counts as its end."""
    voxels = noise((30, 30, 30)) * 100 + 200
    voxels[10, 10, 10] = 3000
    image = Volume(voxels, upright((30, 30, 30)))
    seen = {}
    for clamp in (False, True):
        network = Bright()
        session = OneCubeSession(network, image, Options(clamp_ct=clamp, max_windows=1))
        session.predict(clicks((15, 15, 15)))
        seen[clamp] = network.encoded[0][0, 0, 59, 59, 59]
    assert seen[False] > 2 * seen[True] > 0
    assert not CROP.clamp_ct
    assert not NATIVE.clamp_ct


@pytest.mark.parametrize("options", [CROP, NATIVE])
def test_asked_click_by_click_alone_or_together_is_the_same(options, monkeypatch):
    """The answer depends on a target's own prompts alone, and each cube is encoded once."""
    monkeypatch.setattr(decoding, "BATCH", {"cpu": 4})
    image = Volume(noise((70, 70, 70)), upright((70, 70, 70)))
    points = [((30, 30, 30), 1), ((34, 20, 31), 0), ((25, 40, 28), 1)]
    box = (20, 20, 20, 50, 50, 50)
    stepwise, network = Attentive(), Attentive()
    session, together = OneCubeSession(stepwise, image, options), OneCubeSession(network, image, options)
    targets = [boxed(Prompts(str(n)), box) for n in range(5)]
    for step, (point, label) in enumerate(points):
        moved = [(point[0] + n, point[1], point[2] - n * step) for n in range(5)]
        targets = [one.with_point(place, label) for one, place in zip(targets, moved, strict=True)]
        alone = [session.predict(one) for one in targets]
        at_once = together.predict_many(targets)
        for one, other in zip(alone, at_once, strict=True):
            assert one.box == other.box
            assert np.array_equal(one.voxels, other.voxels)
    fresh = OneCubeSession(Attentive(), image, options).predict(targets[4])
    assert np.array_equal(fresh.voxels, alone[4].voxels)
    assert len(stepwise.encoded) == len(network.encoded) == 1
    assert len(stepwise.batches) == 5 * 3
    assert len(network.batches) == 2 * 3  # five targets are two batches of four, the second filled up


@pytest.mark.parametrize(
    ("prompts", "message"),
    [
        (clicks(), "takes points and box, found no prompt"),
        (Prompts("t", box=(1, 1, 1, 5, 5, 5)), r"takes points and box, found \['box'\]"),
        (clicks((5, 5, 50)), r"\(5, 5, 50\) lies outside the image"),
        (clicks((5, 5, 5), (170, 5, 5)), "a point lies outside the one cube of 192 mm; sam-med3d takes more cubes"),
        (boxed(clicks((170, 5, 5)), (0, 0, 0, 9, 9, 9)), "a point lies outside the one cube"),
    ],
)
def test_what_the_cube_cannot_take_is_unsupported(prompts, message):
    """Nothing is moved into the cube, and a box alone is no point."""
    session = OneCubeSession(Bright(), Volume(noise((180, 20, 20)), upright((180, 20, 20))), NATIVE)
    with pytest.raises(UnsupportedError, match=message):
        session.predict(prompts)


def test_box_thinner_than_the_grid_gives_way_to_the_click():
    """A box that lies between the isotropic voxels has no place on them: the cube stands around the click."""
    image = Volume(noise((90, 90, 90)), upright((90, 90, 90), 0.3))
    network = Bright()
    OneCubeSession(network, image, NATIVE).predict(boxed(clicks((3, 40, 40)), (3, 0, 0, 4, 90, 90)))
    assert network.shown[0][0].tolist() == [[[64.0, 64.0, 64.0]]]
