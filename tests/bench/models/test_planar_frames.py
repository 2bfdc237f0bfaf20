"""Pictures into the network's square, and logits back: against the published scripts, restated in loops."""

import math

import numpy as np
import pytest
import torch
from PIL import Image

from bench.models.planar.frames import DEVIATION, MEAN, LongestSide, Padded, Stretched, frame_for

RNG = np.random.default_rng(1)


def picture(height, width):
    """Return noise."""
    return RNG.integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("fit", "shape", "kind"),
    [
        ("longest-side", (20, 30), LongestSide),
        ("pad-or-stretch", (31, 31), Padded),
        ("pad-or-stretch", (31, 32), Stretched),
        ("pad-or-stretch", (300, 10), Stretched),
        ("stretch", (20, 30), Stretched),
    ],
)
def test_only_pictures_shorter_on_both_sides_are_padded(fit, shape, kind):
    """Each way to fit takes the frame that the published script takes for that shape."""
    assert type(frame_for(fit, shape, 32)) is kind


@pytest.mark.parametrize(
    ("shape", "scaled"),
    [((512, 512), (256, 256)), ((290, 320), (232, 256)), ((3, 1024), (1, 256)), ((1, 900), (1, 256))],
)
def test_longest_side_is_scaled_to_the_square(shape, scaled):
    """The other side is rounded half up, and never vanishes."""
    assert LongestSide(shape, 256).scaled == scaled


def test_longest_side_scales_by_pillow_and_pads_after_normalising():
    """The picture's part is Pillow's bilinear picture, normalised; the rest is exactly 0."""
    found = LongestSide((40, 64), 32).square(noise := picture(40, 64))
    small = np.asarray(Image.fromarray(noise).resize((32, 20), Image.Resampling.BILINEAR)).astype(np.float64)
    for channel in range(3):
        expected = (small[..., channel] - MEAN[channel]) / DEVIATION[channel]
        np.testing.assert_allclose(found[channel, :20], expected, atol=1e-6)
    assert found.dtype == np.float32
    assert (found[:, 20:] == 0).all()


def test_padded_picture_stands_in_the_middle():
    """Zeros are halved before and after; the odd one goes after, as albumentations does it."""
    found = Padded((29, 18), 32).square(noise := picture(29, 18))
    np.testing.assert_allclose(
        found[:, 1:30, 7:25] * DEVIATION[:, None, None] + MEAN[:, None, None], np.moveaxis(noise, 2, 0), atol=1e-4
    )
    outside = np.ones((32, 32), dtype=bool)
    outside[1:30, 7:25] = False
    assert (found[:, outside] == 0).all()


@pytest.mark.parametrize("shape", [(186, 400), (256, 256), (512, 300), (90, 1000)])
def test_stretched_takes_opencvs_nearest_pixel(shape):
    """Row r comes from floor(r * (1 / (256 / height))), as cv2.resize computes it, also where that is whole."""
    found = Stretched(shape, 256).square(noise := picture(*shape))
    for row in range(256):
        y = min(math.floor(row * (1.0 / (256 / shape[0]))), shape[0] - 1)
        for column in range(0, 256, 17):
            x = min(math.floor(column * (1.0 / (256 / shape[1]))), shape[1] - 1)
            np.testing.assert_allclose(found[:, row, column], (noise[y, x] - MEAN) / DEVIATION, atol=1e-6)


@pytest.mark.parametrize(
    ("frame", "there"),
    [
        (LongestSide((50, 100), 32), [(0, 0), (32, 16), (16, 4.8)]),
        (Stretched((50, 100), 32), [(0, 0), (32, 32), (16, 9.6)]),
        (Padded((20, 30), 32), [(1, 6), (101, 56), (51, 21)]),
    ],
)
def test_places_are_scaled_without_a_shift(frame, there):
    """Corners of the picture go to the corners of its part of the square; in between it is linear."""
    found = frame.places(np.array([(0, 0), (100, 50), (50, 15)], dtype=float))
    np.testing.assert_allclose(found, there)


@pytest.mark.parametrize(
    "frame",
    [LongestSide((300, 200), 64), LongestSide((40, 50), 64), Stretched((300, 100), 64), Padded((48, 40), 64)],
)
def test_mask_returns_to_the_pixels_that_it_came_from(frame):
    """Logits that are positive over a rectangle of the square give that rectangle of the picture, to a pixel or two."""
    height, width = frame.shape
    x0, y0, x1, y1 = (int(n) for n in (0.2 * width, 0.3 * height, 0.7 * width, 0.9 * height))
    (a, b), (c, d) = frame.places(np.array([(x0, y0), (x1, y1)], dtype=float)) / 4
    logits = torch.full((16, 16), -1.0)
    logits[round(b) : round(d), round(a) : round(c)] = 1.0
    found = frame.mask(logits)
    assert found.shape == (height, width)
    expected = np.zeros((height, width), dtype=bool)
    expected[y0:y1, x0:x1] = True
    assert (found & expected).sum() / (found | expected).sum() > 0.8
    ys, xs = np.nonzero(found)
    slack = 2.5 * max(height, width) / 16 / 2
    assert max(abs(xs.min() - x0), abs(ys.min() - y0), abs(xs.max() + 1 - x1), abs(ys.max() + 1 - y1)) <= slack


def test_mask_of_a_square_picture_is_the_bilinear_threshold():
    """At the square's own size nothing is scaled twice: one bilinear step of four, above zero."""
    logits = torch.from_numpy(RNG.standard_normal((8, 8)).astype(np.float32))
    expected = torch.nn.functional.interpolate(logits[None, None], scale_factor=4, mode="bilinear")[0, 0] > 0
    for frame in (LongestSide((32, 32), 32), Stretched((32, 32), 32), Padded((32, 32), 32)):
        assert (frame.mask(logits) == expected.numpy()).all()
