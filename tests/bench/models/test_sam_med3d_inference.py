"""The paper's inference, with stand-in networks whose right answer is known."""

import runpy
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.errors import UnsupportedError
from bench.models.sam_med3d import decoding
from bench.models.sam_med3d.inference import PaperSession
from bench.models.sam_med3d.options import Options
from bench.records import Prompts
from curate.geometry import Geometry
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


@pytest.mark.parametrize("click_mm", [(0, 0, 0), (70, -40, 30)])
def test_large_ball_is_recovered_by_extension(click_mm):
    """A ball of 156 isotropic voxels on an oblique, anisotropic, mirrored grid: Dice above 0.95 from one click."""
    geometry = oblique((300, 210, 84), (0.9, 1.3, 3.2))
    mask, image = ball(geometry, (0, 0, 0), 117)
    network = Bright()
    session = PaperSession(network, image, Options(max_windows=16))
    found = session.predict(clicks(nearest_voxel(geometry, click_mm)))
    assert found.shape_ijk == geometry.shape_ijk
    assert dice(found.full(), mask) > 0.95
    assert len(network.encoded) > 1
    alone = PaperSession(Bright(), image, Options(max_windows=1)).predict(clicks(nearest_voxel(geometry, click_mm)))
    assert dice(alone.full(), mask) < 0.95


def test_small_ball_takes_one_window():
    """What fits into the first cube is segmented there, in a tight box, and nothing else is encoded."""
    geometry = oblique((300, 210, 84), (0.9, 1.3, 3.2))
    mask, image = ball(geometry, (20, 30, -10), 30)
    network = Bright()
    found = PaperSession(network, image, Options()).predict(clicks(nearest_voxel(geometry, (20, 30, -10))))
    assert len(network.encoded) == 1
    assert dice(found.full(), mask) > 0.95
    assert found.box == BoxMask.of(found.full()).box


def test_windows_are_bounded_and_breadth_first():
    """With room for seven cubes, they are the first one and the six behind its faces."""
    _, image = ball(upright((200, 200, 200)), (150, 150, 150), 150)
    network = Bright()
    session = PaperSession(network, image, Options(max_windows=7))
    session.predict(clicks((100, 100, 100)))
    assert len(network.encoded) == 7
    entries = sorted(tuple(int(v) for v in points[0, 0]) for points, _, _ in network.shown[1:])
    assert entries == [(63, 63, 63)] * 3 + [(63, 63, 64), (63, 64, 63), (64, 63, 63)]


def test_image_border_is_not_a_face_to_cross():
    """A target that leaves the image, not only the cube, needs no further cube; the answer stays in the image."""
    geometry = upright((90, 90, 90))
    mask, image = ball(geometry, (0, 0, 0), 45)
    network = Bright()
    found = PaperSession(network, image, Options()).predict(clicks((0, 0, 0)))
    assert len(network.encoded) == 1
    assert dice(found.full(), mask) > 0.95
    cube = network.encoded[0][0, 0]
    assert cube[:64].unique().numel() == 1  # zero padding, normalised with the rest
    assert len(cube[64:, 64:, 64:].unique()) == 2


@pytest.mark.parametrize("value", [0, -1000, 700])
def test_constant_image_gives_a_finite_answer(value):
    """No contrast is no division by zero: the cube becomes zeros."""
    image = Volume(np.full((40, 50, 60), value, dtype=np.int16), upright((40, 50, 60)))
    network = Bright()
    found = PaperSession(network, image, Options()).predict(clicks((20, 20, 20)))
    assert torch.equal(network.encoded[0], torch.zeros(1, 1, 128, 128, 128))
    assert found.count == 0
    assert found.box == (0, 0, 0, 0, 0, 0)


def test_each_cube_is_encoded_once():
    """Four targets with three clicks each in one cube need one encoding."""
    _, image = ball(upright((140, 140, 140)), (105, 105, 105), 30)
    network = Bright()
    session = PaperSession(network, image, Options())
    for target in range(4):
        prompts = clicks((70, 70, 70), key=str(target))
        for step in range(3):
            session.predict(prompts)
            prompts = prompts.with_point((60 + target, 70 + step, 70), label=1)
    assert len(network.encoded) == 1
    assert len(network.shown) == 1 + 4 * 2  # the first click is the same for all four


@pytest.mark.parametrize("points_fed", ["newest", "all"])
@pytest.mark.parametrize("reach", ["one cube", "many cubes"])
def test_asked_click_by_click_or_at_once_is_the_same(points_fed, reach):
    """The answer depends on the clicks alone, not on how often and in which company they were shown."""
    far = (10, 40, 40) if reach == "many cubes" else (100, 50, 40)
    _, image = ball(upright((180, 100, 90)), (135, 75, 67), 120 if reach == "many cubes" else 50)
    options = Options(points_fed=points_fed, max_windows=3)
    shown = [((95, 50, 45), 1), ((80, 60, 50), 0), (far, 1)]
    stepwise = PaperSession(Attentive(), image, options)
    prompts = clicks()
    for n, (point, label) in enumerate(shown):
        prompts = prompts.with_point(point, label)
        other = clicks(*[p for p, _ in shown[: n + 1]], labels=[0] * (n + 1), key="another target")
        stepwise.predict(other)
        last = stepwise.predict(prompts)
    network = Attentive()
    at_once = PaperSession(network, image, options).predict(prompts)
    assert (len(network.encoded) > 1) == (reach == "many cubes")
    assert last.box == at_once.box
    assert np.array_equal(last.voxels, at_once.voxels)
    assert 0 < last.count < image.voxels.size


def test_newest_point_with_previous_logits():
    """By default one point at a time is shown, in voxels of the cube, with the logits of the last answer."""
    _, image = ball(upright((140, 140, 140)), (105, 105, 105), 30)
    network = Attentive()
    session = PaperSession(network, image, Options())
    session.predict(clicks((70, 70, 70), (75, 60, 72), labels=[1, 0]))
    (first, first_label, nothing), (second, second_label, previous) = network.shown
    assert first.tolist() == [[[64.0, 64.0, 64.0]]]
    assert second.tolist() == [[[69.0, 54.0, 66.0]]]
    assert (first_label.tolist(), second_label.tolist()) == ([[1]], [[0]])
    assert torch.count_nonzero(nothing) == 0
    embedding = Bright().encode(network.encoded[0])
    assert torch.equal(previous, Attentive().decode(embedding, first, first_label, nothing)[0])


def test_all_points_are_shown_on_request():
    """`points_fed = all` shows every point so far that lies in the cube."""
    image = Volume(np.random.default_rng(0).normal(size=(200, 60, 60)).astype(np.float32), upright((200, 60, 60)))
    network = Bright()
    session = PaperSession(network, image, Options(points_fed="all", max_windows=1))
    session.predict(clicks((30, 30, 30), (40, 30, 30), (190, 30, 30)))
    assert [points.shape[1] for points, _, _ in network.shown] == [1, 2, 1]


def test_click_outside_the_first_cube_gets_its_own():
    """A click beyond the first cube is answered in the lattice window around it, with zeros as previous answer."""
    image = Volume(np.random.default_rng(0).normal(size=(250, 40, 40)).astype(np.float32), upright((250, 40, 40)))
    network = Bright()
    session = PaperSession(network, image, Options(max_windows=1))
    session.predict(clicks((20, 20, 20), (230, 20, 20)))
    points, _, previous = network.shown[1]
    assert points.tolist() == [[[82.0, 64.0, 64.0]]]  # 230 - (20 - 64 + 3 * 64)
    assert torch.count_nonzero(previous) == 0
    assert len(network.encoded) == 2


def test_click_in_an_extended_cube_goes_on_from_its_answer():
    """A click in a cube that extension reached is shown with the logits that the cube already has."""
    _, image = ball(upright((60, 60, 300)), (45, 45, 225), 400)
    image.voxels[:, :, 250:] = 0
    network = Attentive()
    session = PaperSession(network, image, Options(max_windows=3))
    session.predict(clicks((30, 30, 60)))
    asked = len(network.shown)
    session.predict(clicks((30, 30, 60), (30, 30, 180), labels=[1, 0]))
    assert torch.count_nonzero(network.shown[asked][2]) > 0


@pytest.mark.parametrize("canonical", [True, False])
def test_answer_follows_the_patient_only_in_canonical_orientation(canonical):
    """Stored mirrored and transposed, a scan gets the same mask in the same places if it is turned to RAS first."""
    _, image = ball(oblique((90, 80, 70), (1.7, 1.6, 2.1)), (5, 5, 5), 40)
    stored = np.flip(image.voxels, 0).transpose(2, 0, 1)
    affine = image.geometry.affine.copy()
    affine[:3, 3] += affine[:3, 0] * 89
    affine[:3, 0] *= -1
    twin = Volume(np.ascontiguousarray(stored), Geometry(stored.shape, affine[:, [2, 0, 1, 3]]))
    options = Options(canonical=canonical)
    first = PaperSession(Attentive(), image, options).predict(clicks((40, 38, 33))).full()
    second = PaperSession(Attentive(), twin, options).predict(clicks((33, 89 - 40, 38))).full()
    same = dice(np.flip(first, 0).transpose(2, 0, 1), second)
    assert same > 0.999 if canonical else same < 0.99


@pytest.mark.parametrize(
    ("geometry", "message"),
    [
        (upright((50, 50, 1)), "takes volumes"),
        (Geometry((50, 50, 9), np.eye(4), unit="pixel"), "spacing in mm, found .* pixel"),
    ],
)
def test_slices_and_images_without_spacing_are_unsupported(geometry, message):
    """What the network cannot see at 1.5 mm is refused, not guessed."""
    with pytest.raises(UnsupportedError, match=message):
        PaperSession(Bright(), Volume(np.zeros(geometry.shape_ijk), geometry), Options())


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_image_that_is_not_finite_is_unsupported(value):
    """One NaN would make a whole cube NaN, and so an empty mask that looks like an answer."""
    voxels = np.ones((20, 20, 20), dtype=np.float32)
    voxels[3, 4, 5] = value
    with pytest.raises(UnsupportedError, match="NaN or infinity"):
        PaperSession(Bright(), Volume(voxels, upright((20, 20, 20))), Options())


@pytest.mark.parametrize(
    ("prompts", "message"),
    [
        (clicks(), "points only, found no prompt"),
        (Prompts("t", box=(1, 1, 1, 5, 5, 5)), r"found \['box'\]"),
        (clicks((50, 5, 5)), r"\(50, 5, 5\) lies outside the image"),
        (clicks((5, -1, 5)), r"\(5, -1, 5\) lies outside the image"),
    ],
)
def test_prompts_that_are_no_points_in_the_image_are_unsupported(prompts, message):
    """A box is not turned into points, and a point outside is not moved inside."""
    session = PaperSession(Bright(), Volume(np.zeros((20, 20, 20)), upright((20, 20, 20))), Options())
    with pytest.raises(UnsupportedError, match=message):
        session.predict(prompts)


@pytest.fixture
def batches_of_four(monkeypatch):
    """Decode as on a GPU: four targets in one call."""
    monkeypatch.setattr(decoding, "BATCH", {"cpu": 4})


@pytest.mark.usefixtures("batches_of_four")
def test_targets_asked_together_get_what_each_gets_alone():
    """Five targets in one call, some of them in the same cubes, some growing into others: equal to the last voxel."""
    _, image = ball(upright((180, 100, 90)), (135, 75, 67), 90)
    options = Options(max_windows=2)
    places = [(95, 50, 45), (95, 50, 45), (60, 40, 45), (95, 50, 45), (30, 50, 45)]
    targets = [clicks(place, key=str(n)) for n, place in enumerate(places)]
    alone, together = Attentive(), Attentive()
    one_by_one, at_once = PaperSession(alone, image, options), PaperSession(together, image, options)
    for step in range(2):
        targets = [one.with_point((90 + 3 * n, 50 + step, 40), label=step % 2) for n, one in enumerate(targets)]
        separate = [one_by_one.predict(one) for one in targets]
        joint = at_once.predict_many(targets)
        for one, other in zip(separate, joint, strict=True):
            assert one.box == other.box
            assert np.array_equal(one.voxels, other.voxels)
    assert len(together.batches) < len(alone.batches)
    assert len(together.encoded) <= len(alone.encoded)


@pytest.mark.usefixtures("batches_of_four")
def test_a_batch_has_one_size():
    """The decoder is always asked for as many targets: other sizes would round differently."""
    image = Volume(np.random.default_rng(0).normal(size=(60, 60, 60)).astype(np.float32), upright((60, 60, 60)))
    network = Bright()
    session = PaperSession(network, image, Options(max_windows=1))
    session.predict(clicks((30, 30, 30)))
    session.predict_many([clicks((30, 30, 30 + n), key=str(n)) for n in range(7)])
    assert {len(batch) for batch in network.batches} == {4}


def test_a_processor_decodes_one_target_at_a_time():
    """Without a GPU nothing is filled up, which would cost four times the work."""
    image = Volume(np.random.default_rng(0).normal(size=(60, 60, 60)).astype(np.float32), upright((60, 60, 60)))
    network = Bright()
    PaperSession(network, image, Options(max_windows=1)).predict_many(
        [clicks((30, 30, 30 + n), key=str(n)) for n in range(3)]
    )
    assert [len(batch) for batch in network.batches] == [1, 1, 1]


def test_nothing_asked_is_nothing_answered():
    """No targets, no masks, no encoding."""
    network = Bright()
    image = Volume(np.zeros((20, 20, 20)), upright((20, 20, 20)))
    assert PaperSession(network, image, Options()).predict_many([]) == []
    assert network.encoded == []
