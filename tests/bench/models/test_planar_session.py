"""The session against a plain way: every slice encoded anew for every prompt, one prompt at a time."""

import math
import runpy
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional

from bench import conformance
from bench.errors import UnsupportedError
from bench.models.planar.frames import Stretched
from bench.models.planar.options import Options
from bench.models.planar.session import PlanarSession
from bench.records import Prompts
from curate.geometry import Geometry
from curate.volume import Volume

HELP = Path(__file__).with_name("planar_networks.py")
helpers = runpy.run_path(str(HELP))
Tiny, Bright, SIDE = (helpers[name] for name in ("Tiny", "Bright", "SIDE"))
upright, clicks = helpers["upright"], helpers["clicks"]

MEAN, DEVIATION = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])


@pytest.fixture(autouse=True)
def _one_thread():
    """Keep to one thread: the networks are tiny."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def noise(shape, seed=0):
    """Return a volume of smooth noise with negative and fractional intensities."""
    values = torch.from_numpy(np.random.default_rng(seed).normal(0, 300, (1, 1, *shape)).astype(np.float32))
    return functional.avg_pool3d(values, 3, stride=1, padding=1)[0, 0].numpy()


def plain(image, prompts, axis, options):
    """Return the mask of one target, from the published scripts' steps and nothing remembered."""
    found = np.zeros(image.shape, dtype=bool)
    low, high = float(image.min()), float(image.max())
    for number in range(image.shape[axis]):
        slab = image.take(number, axis=axis).T.astype(np.float64)
        grey = ((slab - low) / (high - low) * 255).astype(np.uint8)
        on_slice = [n for n, point in enumerate(prompts.points_ijk) if point[axis] == number]
        points = [(np.delete(prompts.points_ijk[n], axis).tolist(), int(prompts.labels[n])) for n in on_slice]
        box = None
        if prompts.box and prompts.box[axis] <= number < prompts.box[axis + 3]:
            box = [*np.delete(prompts.box[:3], axis), *np.delete(prompts.box[3:], axis)]
        mask = plain_slice(np.stack([grey] * 3, axis=-1), points, box, options)
        if mask is not None:
            np.moveaxis(found, axis, 0)[number] = mask.T
    return found


def plain_slice(picture, points, box, options):
    """Return a picture's mask, or None where nothing says where the target is."""
    height, width = picture.shape[:2]
    square, to_square, crop = plain_square(picture, options)
    previous = None
    counts = range(len(points) + 1) if options.previous != "none" else [len(points)]
    for count in counts:
        if box is None and not any(label for _, label in points[:count]):
            continue
        xy = torch.tensor([[to_square(*place) for place, _ in points[:count]]]).float().reshape(1, count, 2)
        labels = torch.tensor([[label for _, label in points[:count]]]).long().reshape(1, count)
        corners = None if box is None else torch.tensor([[*to_square(*box[:2]), *to_square(*box[2:])]]).float()
        shown = torch.sigmoid(previous) if previous is not None and options.previous == "sigmoid" else previous
        single = count == 1 and box is None and previous is None
        network = Tiny()
        three = options.multimask == "always" or (options.multimask == "one-point" and single)
        logits, overlap = network.decode(
            network.encode(torch.from_numpy(square)[None]), xy, labels, corners, shown, multimask=three
        )
        best = max(range(logits.shape[1]), key=lambda n: overlap[0, n].item())
        previous = logits[:, best : best + 1]
    if previous is None:
        return None
    large = functional.interpolate(previous, (SIDE, SIDE), mode="bilinear")[..., crop[0], crop[1]]
    if large.shape[2:] != (height, width):
        large = functional.interpolate(large, (height, width), mode="bilinear")
    return torch.sigmoid(large[0, 0]).numpy() > 0.5


def plain_square(picture, options):
    """Return the network's input, the map of places, and where the picture lies in the square."""
    height, width = picture.shape[:2]
    everything = slice(0, SIDE)
    if options.fit == "longest-side":
        scale = SIDE / max(height, width)
        h, w = int(height * scale + 0.5), int(width * scale + 0.5)
        small = np.array(Image.fromarray(picture).resize((w, h), Image.Resampling.BILINEAR))
        square = np.pad((small - MEAN) / DEVIATION, ((0, SIDE - h), (0, SIDE - w), (0, 0)))
        scaled = (w / width, h / height)
        crop, shift = (slice(0, h), slice(0, w)), (0, 0)
    elif height < SIDE and width < SIDE and options.fit == "pad-or-stretch":
        top, left = (SIDE - height) // 2, (SIDE - width) // 2
        around = ((top, SIDE - height - top), (left, SIDE - width - left), (0, 0))
        square = np.pad((picture - MEAN) / DEVIATION, around)
        scaled, crop, shift = (1, 1), (slice(top, top + height), slice(left, left + width)), (left, top)
    else:
        rows = [math.floor(n * (1 / (SIDE / height))) for n in range(SIDE)]
        columns = [math.floor(n * (1 / (SIDE / width))) for n in range(SIDE)]
        square = ((picture - MEAN) / DEVIATION)[rows][:, columns]
        scaled, crop, shift = (SIDE / width, SIDE / height), (everything, everything), (0, 0)
    square = square.transpose(2, 0, 1).astype(np.float32)
    return square, lambda x, y: (x * scaled[0] + shift[0], y * scaled[1] + shift[1]), crop


WAYS = [
    Options(),
    Options(multimask="one-point", axis="i"),
    Options(multimask="never", previous="none", axis="j"),
    Options(fit="pad-or-stretch", previous="sigmoid", axis="k"),
    Options(fit="stretch", previous="sigmoid", axis="i", pictures_per_batch=1),
    Options(fit="pad-or-stretch", previous="none", axis="j", cache_mb=0),
]
ASKED = {
    "one point": clicks((10, 11, 3)),
    "points on two slices across each axis": clicks((10, 11, 3), (14, 20, 5), (10, 20, 3), labels=[1, 1, 0]),
    "three on one slice, the first outside": clicks((3, 4, 5), (3, 4, 9), (3, 30, 5), (3, 4, 5), labels=[0, 1, 1, 0]),
    "box": clicks(box=(4, 5, 2, 19, 30, 8)),
    "box and points": clicks((10, 11, 3), (12, 29, 3), labels=[1, 0], box=(4, 5, 2, 19, 30, 8)),
}


@pytest.mark.parametrize("options", WAYS, ids=lambda one: f"{one.fit}-{one.axis}-{one.previous}")
@pytest.mark.parametrize("shape", [(21, 37, 12), (40, 33, 10)])
def test_session_answers_as_the_plain_way(options, shape):
    """Whatever is asked, together, alone, or again: the masks are those of encoding anew for every prompt."""
    image = noise(shape)
    axis = {"coarsest": 2, "i": 0, "j": 1, "k": 2}[options.axis]
    prompts = list(ASKED.values())
    session = PlanarSession(Tiny(), Volume(image, upright(shape)), options)
    together = session.predict_many(prompts)
    again = [session.predict(one) for one in reversed(prompts)][::-1]
    for one, found, once_more in zip(prompts, together, again, strict=True):
        expected = plain(image, one, axis, options)
        assert 0 < np.count_nonzero(expected) < expected.size
        assert (found.full() != expected).sum() <= 1e-4 * expected.size
        assert (once_more.full() == found.full()).all()


def test_clicks_one_by_one_or_all_at_once_give_one_answer():
    """A session that saw the earlier clicks answers as one that sees all of them together."""
    image = Volume(noise((30, 30, 8)), upright((30, 30, 8)))
    points = [(10, 11, 3), (25, 4, 3), (20, 20, 5), (11, 20, 3)]
    labels = [1, 0, 1, 1]
    slow = PlanarSession(Tiny(), image, Options())
    for count in range(1, 5):
        step = slow.predict(clicks(*points[:count], labels=labels[:count]))
        at_once = PlanarSession(Tiny(), image, Options()).predict(clicks(*points[:count], labels=labels[:count]))
        assert (step.full() == at_once.full()).all()


def test_each_slice_is_encoded_once_however_many_targets_and_clicks():
    """Three targets and four clicks on two slices: two pictures encoded; a click decodes one prompt a target."""
    network = Tiny()
    session = PlanarSession(network, Volume(noise((30, 30, 8)), upright((30, 30, 8))), Options())
    points = [[(5 + n, 6, 3)] for n in range(3)]
    for click in range(4):
        network.decoded.clear()
        session.predict_many([clicks(*one) for one in points])
        assert network.decoded == [3]
        points = [[*one, (20 - 3 * n, 9 + click, 3)] for n, one in enumerate(points)]
    assert network.encoded == 1
    session.predict(clicks((1, 1, 6)))
    assert network.encoded == 2
    network.decoded.clear()
    session.predict(clicks((1, 1, 6)))
    assert network.decoded == []


def test_box_is_decoded_for_all_targets_of_a_slice_at_once():
    """Five targets with boxes over the same six slices: six slices in batches of four, six batches of five prompts."""
    network = Tiny()
    options = Options(pictures_per_batch=4 * SIDE**2 // 256**2 or 1)
    session = PlanarSession(network, Volume(noise((30, 30, 8)), upright((30, 30, 8))), options)
    session.predict_many([clicks(box=(n, n, 1, 20, 20 + n, 7)) for n in range(5)])
    assert network.encoded == 6
    assert network.decoded == [5] * 6


@pytest.mark.parametrize(("pictures", "batches"), [(1, [6]), (16, [6])])
def test_pictures_per_batch_count_pixels_of_256(pictures, batches):
    """Small squares come in larger batches: one picture of 256 pixels holds 64 of 32."""
    network = Tiny()
    options = Options(pictures_per_batch=pictures)
    PlanarSession(network, Volume(noise((9, 9, 8)), upright((9, 9, 8))), options).predict(
        clicks(box=(1, 1, 1, 8, 8, 7))
    )
    assert network.batches == batches


def test_embeddings_stay_within_their_memory():
    """With room for a few slices only, no more are held, those held are used, and the answer is the same."""
    shape = (30, 30, 40)
    image = Volume(noise(shape), upright(shape))
    box = clicks(box=(4, 4, 0, 20, 20, 40))
    small, large = Tiny(), Tiny()
    embedding_bytes = 7 * 8 * 8 * 4
    tight = PlanarSession(small, image, Options(cache_mb=11.5 * embedding_bytes / 2**20, previous="none"))
    roomy = PlanarSession(large, image, Options(previous="none"))
    other = clicks(box=(5, 4, 0, 20, 20, 40))
    assert (tight.predict(box).full() == roomy.predict(box).full()).all()
    assert (tight.predict(other).full() == roomy.predict(other).full()).all()
    assert large.encoded == 40
    assert small.encoded == 40 + 40 - 11
    assert tight._embeddings._kept.held_bytes == 11 * embedding_bytes


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_order_and_direction_of_stored_axes_do_not_matter(order):
    """The same scan stored in another order and mirrored gives the same mask, if volumes are turned; else another."""
    shape = (24, 31, 9)
    image = noise(shape)
    stored = image.transpose(order)[::-1]
    affine = np.zeros((4, 4))
    affine[order, range(3)] = np.array([1.0, 1.0, 4.0])[list(order)]
    affine[:, 0] *= -1
    affine[3, 3] = 1
    prompt = clicks((10, 11, 3), (5, 20, 6), box=(2, 3, 2, 20, 25, 8))
    expected = PlanarSession(Tiny(), Volume(image, upright(shape, (1.0, 1.0, 4.0))), Options()).predict(prompt).full()
    points, low, high = (
        prompt.points_ijk[:, order],
        np.array(prompt.box[:3])[[*order]],
        np.array(prompt.box[3:])[[*order]],
    )
    size = stored.shape[0]
    points[:, 0] = size - 1 - points[:, 0]
    low[0], high[0] = size - high[0], size - low[0]
    turned = clicks(*points, box=tuple(int(n) for n in (*low, *high)))
    for canonical in (True, False):
        session = PlanarSession(Tiny(), Volume(stored, Geometry(stored.shape, affine)), Options(canonical=canonical))
        same = session.predict(turned).full() == expected.transpose(order)[::-1]
        assert same.all() == canonical


def test_grid_in_space_does_not_matter():
    """An oblique grid nearest to R, A, S is seen as an upright one."""
    shape = (24, 31, 9)
    image = noise(shape)
    cos, sin = np.cos(0.4), np.sin(0.4)
    turned = np.eye(4)
    turned[:3, :3] = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]]) @ np.diag([1.0, 1.0, 4.0])
    prompt = clicks((10, 11, 3), box=(2, 3, 1, 20, 21, 8))
    found, expected = (
        PlanarSession(Tiny(), Volume(image, grid), Options()).predict(prompt).full()
        for grid in (Geometry(shape, turned), upright(shape, (1.0, 1.0, 4.0)))
    )
    assert (found == expected).all()


def test_channels_may_be_turned():
    """A colour picture shown as blue, green, red answers as its mirror image does shown as red, green, blue."""
    colour = np.random.default_rng(4).integers(0, 256, (30, 28, 1, 3), dtype=np.uint8)
    prompt = clicks((9, 9, 0))
    answers = {
        (name, turned): PlanarSession(
            Tiny(), Volume(colour[..., ::-1] if turned else colour, upright((30, 28, 1))), Options(channels=name)
        )
        .predict(prompt)
        .full()
        for name in ("rgb", "bgr")
        for turned in (False, True)
    }
    assert (answers["rgb", False] == answers["bgr", True]).all()
    assert (answers["bgr", False] == answers["rgb", True]).all()
    assert (answers["rgb", False] != answers["bgr", False]).any()


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_boxes_of_slices_answer_as_each_box_alone(axis):
    """A box on each of three slices gives the union of what each of them gives, whatever axis they lie across."""
    shape = (30, 28, 26)
    image, options = Volume(noise(shape), upright(shape)), Options(axis="ijk"[axis])
    boxes = []
    for number, low in ((3, 5), (4, 8), (11, 2)):
        box = [low, low, low, low + 12, low + 9, low + 14]
        box[axis], box[axis + 3] = number, number + 1
        boxes.append(tuple(box))
    together = PlanarSession(Tiny(), image, options).predict(Prompts("t", boxes=tuple(boxes))).full()
    alone = [PlanarSession(Tiny(), image, options).predict(clicks(box=box)).full() for box in boxes]
    assert any(one.any() for one in alone)
    assert (together == np.logical_or.reduce(alone)).all()


def test_boxes_across_another_axis_are_unsupported():
    """The error names the axis of the image as it is stored, though slices are cut after its axes were turned."""
    affine = np.zeros((4, 4))
    affine[(2, 0, 1), range(3)] = (-3.0, 1.0, 1.0)  # the first stored axis runs downwards
    affine[3, 3] = 1
    session = PlanarSession(Tiny(), Volume(noise((8, 30, 28)), Geometry((8, 30, 28), affine)), Options())
    assert session.predict(Prompts("t", boxes=((3, 4, 5, 4, 20, 25),))).box[0::3] in ((3, 4), (0, 0))
    with pytest.raises(UnsupportedError, match="one slice across i, as this model sees the image"):
        session.predict(Prompts("t", boxes=((2, 4, 5, 6, 20, 6),)))


def test_propagation_goes_on_from_boxes_of_slices():
    """From a box on one slice in the middle, a bright cone is found on all its slices."""
    image, mask = cone()
    session = PlanarSession(Bright(), Volume(image, upright(mask.shape, (1.0, 1.0, 3.0))), Options(propagate=True))
    found = session.predict(Prompts("t", boxes=((8, 12, 9, 53, 57, 10),))).full()
    assert (found.any(axis=(0, 1)) == mask.any(axis=(0, 1))).all()


def test_slices_without_prompts_are_empty():
    """A point prompts its slice alone; a slice with points outside only is empty, too."""
    session = PlanarSession(Tiny(), Volume(noise((30, 30, 8)), upright((30, 30, 8))), Options())
    found = session.predict(clicks((10, 11, 3), (5, 5, 6), labels=[1, 0])).full()
    assert found[:, :, 3].any()
    assert not np.delete(found, 3, axis=2).any()


def cone():
    """Return a bright cone along k that ends before the volume does, its mask, and a click in its middle."""
    i, j, k = np.ogrid[:64, :64, :20]
    radius = np.where((k >= 3) & (k < 17), 22 - np.abs(k - 9), 0)
    mask = (i - 30) ** 2 + (j - 34) ** 2 < radius**2
    return np.where(mask, 500, -500).astype(np.int16), mask


@pytest.mark.parametrize("points", [[(30, 34, 9)], [(30, 34, 5), (30, 34, 14)]])
def test_propagation_follows_the_target_to_its_ends(points):
    """From one slice or two, a bright cone is found on all its slices, and on no other; without, on those clicked."""
    image, mask = cone()
    grid = upright(mask.shape, (1.0, 1.0, 3.0))
    network = Bright()
    found = PlanarSession(network, Volume(image, grid), Options(propagate=True)).predict(clicks(*points)).full()
    assert (found.any(axis=(0, 1)) == mask.any(axis=(0, 1))).all()
    assert 2 * (found & mask).sum() / (found.sum() + mask.sum()) > 0.9
    assert network.encoded == mask.any(axis=(0, 1)).sum() + 2
    alone = PlanarSession(Bright(), Volume(image, grid), Options()).predict(clicks(*points)).full()
    assert np.flatnonzero(alone.any(axis=(0, 1))).tolist() == [point[2] for point in points]


def test_propagation_decodes_the_targets_of_a_slice_together():
    """Two targets with prompts on one slice go on side by side: every batch holds both, and each is as it is alone."""
    image, mask = cone()
    grid = upright(mask.shape, (1.0, 1.0, 3.0))
    network = Tiny()
    session = PlanarSession(network, Volume(image, grid), Options(propagate=True, previous="none"))
    prompts = [clicks((30, 34, 9)), clicks((10, 14, 9))]
    together = session.predict_many(prompts)
    assert max(network.decoded) == 2
    for prompt, found in zip(prompts, together, strict=True):
        alone = PlanarSession(Tiny(), Volume(image, grid), session.options).predict(prompt)
        assert (alone.full() == found.full()).all()


def test_negative_point_joins_the_box_of_the_slice_before():
    """A point outside on a slice that propagation reaches changes that slice, and none before it."""
    image = Volume(noise((30, 30, 8)), upright((30, 30, 8)))
    options = Options(propagate=True)
    without = PlanarSession(Tiny(), image, options).predict(clicks((10, 11, 3))).full()
    assert without[:, :, 4].any()
    found = PlanarSession(Tiny(), image, options).predict(clicks((10, 11, 3), (12, 12, 4), labels=[1, 0])).full()
    assert (found[:, :, :4] == without[:, :, :4]).all()
    assert (found[:, :, 4] != without[:, :, 4]).any()


@pytest.mark.gpu
def test_cuda_answers_as_the_cpu():
    """On a CUDA device, clicks, boxes, earlier answers and propagation give the CPU's mask, but for rounding."""
    image = Volume(noise((30, 30, 8)), upright((30, 30, 8)))
    prompts = [clicks((10, 11, 3), (20, 20, 3), labels=[1, 0]), clicks(box=(4, 5, 2, 19, 28, 4))]
    options = Options(propagate=True)
    found = PlanarSession(Tiny().cuda(), image, options, "cuda").predict_many(prompts)
    expected = PlanarSession(Tiny(), image, options).predict_many(prompts)
    for one, other in zip(found, expected, strict=True):
        assert (one.full() != other.full()).mean() < 0.01


def test_frame_and_kinds_of_prompt_may_be_the_networks_own():
    """A frame that is handed over is the one that is used; prompts that the network does not take are refused."""
    image = Volume(noise((30, 20, 4)), upright((30, 20, 4)))
    box = clicks(box=(4, 5, 1, 19, 18, 3))
    own = PlanarSession(Tiny(), image, Options(), frame=Stretched, prompts=frozenset({"box"}))
    ways = (Options(fit="stretch"), Options(fit="longest-side"))
    expected, other = (PlanarSession(Tiny(), image, options).predict(box) for options in ways)
    assert (own.predict(box).full() == expected.full()).all()
    assert (own.predict(box).full() != other.full()).any()
    with pytest.raises(UnsupportedError, match="takes box only, found points"):
        own.predict(clicks((4, 5, 1)))


def test_one_bad_target_is_named_by_its_error():
    """A target without any prompt is unsupported, alone or among others."""
    session = PlanarSession(Tiny(), Volume(noise((30, 30, 8)), upright((30, 30, 8))), Options())
    with pytest.raises(UnsupportedError, match="found neither"):
        session.predict_many([clicks((10, 11, 3)), clicks()])


@pytest.mark.parametrize("name", ["TinyModel", "PropagatingModel", "FlatModel"])
def test_model_with_a_small_network_keeps_its_promises(name):
    """All checks of conformance pass: grids, determinism, several targets, corners, constant images."""
    rows = conformance.check(f"{HELP}:{name}")
    assert len(rows) >= 8
    assert [row for row in rows if row["result"] != "pass"] == []
