"""Region growing on balls whose extent is known in closed form."""

import math

import numpy as np
import pytest

from bench.models.region_growing import RegionGrowing
from bench.protocols.key import Key
from bench.protocols.random_error import RandomError
from bench.records import Prompts
from curate.geometry import Geometry
from curate.labelmap import BoxMask
from curate.volume import Volume

SPACING = np.array([1.0, 1.5, 2.0])
GRID = Geometry((60, 44, 36), np.diag([*SPACING, 1.0]))
RADIUS_MM = 18.0


def ball(centre, radius_mm, grid=GRID):
    """Return the voxels within a radius of a voxel."""
    voxels = np.stack(np.meshgrid(*[np.arange(n) for n in grid.shape_ijk], indexing="ij"), axis=-1)
    return (((voxels - centre) * np.array(grid.spacing)) ** 2).sum(axis=-1) <= radius_mm**2


def image_of(inside, grid=GRID, noise=6.0):
    """Return a noisy image, bright where `inside`."""
    return Volume(
        (np.where(inside, 180, 60) + np.random.default_rng(3).normal(0, noise, inside.shape)).astype(np.float32), grid
    )


def dice(one, other):
    """Return the Dice coefficient of two full masks."""
    return 2 * (one & other).sum() / (one.sum() + other.sum())


def prompted(session, reference, steps, case="d/c"):
    """Return the mask after some steps of random-error clicks."""
    prompts, answer = Prompts("x"), None
    for step in range(1, steps + 1):
        prompts = RandomError().prompt(
            BoxMask.of(reference), answer, prompts, Key("random-error", 1, "d", case, "x", step)
        )
        answer = session.predict(prompts)
    return answer


@pytest.mark.parametrize("case", ["d/1", "d/2", "d/3", "d/4"])
def test_three_clicks_find_a_bright_ball(case):
    """After three simulated clicks Dice is above 0.9, and the volume within 15 % of 4/3 pi r^3."""
    inside = ball((30, 22, 18), RADIUS_MM)
    answer = prompted(RegionGrowing().open(image_of(inside)), inside, 3, case)
    assert dice(answer.full(), inside) > 0.9
    assert answer.count * SPACING.prod() == pytest.approx(4 / 3 * math.pi * RADIUS_MM**3, rel=0.15)


def test_a_negative_click_takes_back_a_leak():
    """A click in one of two touching balls leaks into the other; a click outside, in the other's centre, ends that."""
    one, other = ball((20, 22, 18), 13.0), ball((44, 22, 18), 13.0)
    session = RegionGrowing().open(image_of(one | other))
    click = Prompts("x").with_point((20, 22, 18), 1)
    leaked = session.predict(click).full()
    assert (leaked & other).sum() > 0.8 * other.sum()
    held = session.predict(click.with_point((44, 22, 18), 0)).full()
    assert (held & other).sum() < 0.05 * other.sum()
    assert dice(held, one) > 0.9


def test_more_clicks_add_their_regions():
    """Two apart balls are found by a click in each."""
    one, other = ball((14, 22, 18), 11.0), ball((46, 22, 18), 11.0)
    session = RegionGrowing().open(image_of(one | other))
    answer = session.predict(Prompts("x").with_point((14, 22, 18), 1).with_point((46, 22, 18), 1))
    assert dice(answer.full(), one | other) > 0.95


def test_holes_are_filled():
    """A dark core that nothing connects to the outside belongs to the region, in a volume and in a single slice."""
    for grid, centre in ((GRID, (30, 22, 18)), (Geometry((60, 44, 1), np.eye(4), "pixel"), (30, 22, 0))):
        shell = ball(centre, 15, grid) & ~ball(centre, 5, grid)
        click = (30, 22 + round(10 / grid.spacing[1]), centre[2])
        answer = RegionGrowing().open(image_of(shell, grid, noise=0)).predict(Prompts("x").with_point(click, 1)).full()
        assert answer[centre]
        assert dice(answer, ball(centre, 15, grid)) > 0.95


@pytest.mark.parametrize("colour", [False, True])
def test_pictures_are_segmented(colour):
    """A 2D picture, grey or in colour, gives a mask of one slice with the disk of the click."""
    grid = Geometry((50, 40, 1), np.eye(4), unit="pixel")
    disk = ball((20, 18, 0), 11, grid)
    voxels = image_of(disk, grid).voxels.clip(0, 255).astype(np.uint8)
    voxels = np.stack([voxels, voxels, voxels // 2], axis=-1) if colour else voxels
    answer = prompted(RegionGrowing().open(Volume(voxels, grid)), disk, 3)
    assert answer.shape_ijk == (50, 40, 1)
    assert dice(answer.full(), disk) > 0.9
    assert answer.count == pytest.approx(math.pi * 11**2, rel=0.15)


def test_an_image_of_one_voxel():
    """The smallest image has the smallest answer."""
    image = Volume(np.full((1, 1, 1), 7, dtype=np.int16), Geometry((1, 1, 1), np.eye(4)))
    assert RegionGrowing().open(image).predict(Prompts("x").with_point((0, 0, 0), 1)).full().tolist() == [[[True]]]


@pytest.mark.parametrize("prompts", [Prompts("x"), Prompts("x").with_point((1, 2, 3), 0)])
def test_without_a_positive_click_nothing_is_found(prompts):
    """Nothing to grow from is an empty mask on the image's grid."""
    answer = RegionGrowing().open(image_of(ball((30, 22, 18), 9))).predict(prompts)
    assert (answer.count, answer.shape_ijk, answer.box) == (0, GRID.shape_ijk, (0, 0, 0, 0, 0, 0))


def test_what_is_not_a_number_does_not_spread():
    """A scan with NaN outside the field of view is segmented where it has numbers."""
    inside = ball((30, 22, 18), 12)
    image = image_of(inside)
    image.voxels[:5] = np.nan
    assert dice(RegionGrowing().open(image).predict(Prompts("x").with_point((30, 22, 18), 1)).full(), inside) > 0.9


def test_distance_bounds_the_region():
    """In a uniform image the region ends 110 mm from the click along every axis."""
    grid = Geometry((80, 3, 3), np.diag([4.0, 1.0, 1.0, 1.0]))
    image = Volume(np.zeros(grid.shape_ijk, dtype=np.float32), grid)
    answer = RegionGrowing().open(image).predict(Prompts("x").with_point((40, 1, 1), 1))
    assert answer.box == (40 - 28, 0, 0, 40 + 29, 3, 3)


def plain(image, prompts):
    """Segment as the class says it does, on full grids, by labelling, and without remembering anything."""
    from scipy import ndimage

    smooth = ndimage.gaussian_filter(image.voxels, 0.8)
    positive, negative = (prompts.points_ijk[prompts.labels == label] for label in (1, 0))
    found = np.zeros(smooth.shape, dtype=bool)
    for point in positive:
        cube = tuple(slice(max(0, n - 1), n + 2) for n in point)
        if found[tuple(point)]:
            continue
        if found[cube].any():
            found[cube] = True
        else:
            found |= plain_region(smooth, point, negative)
    places = np.stack(np.meshgrid(*[np.arange(n) for n in smooth.shape], indexing="ij"), axis=-1)

    def nearest(points):
        return np.min([(((places - point) * SPACING) ** 2).sum(axis=-1) for point in points], axis=0)

    leaks = [point for point in negative if found[tuple(point)]]
    if leaks:
        found &= nearest(positive) <= nearest(leaks)
    return ndimage.binary_fill_holes(found)


def plain_region(smooth, point, negative):
    """Return what grows from one click: the region whose window is half as wide as the one that leaks."""
    from scipy import ndimage

    cubes = {}
    for offset in np.ndindex(3, 3, 3):
        centre = point + np.array(offset) - 1
        if (centre >= 0).all() and (centre < smooth.shape).all():
            cube = smooth[tuple(slice(max(0, n - 1), n + 2) for n in centre)]
            cubes[tuple(centre)] = (cube.std(), cube.mean())
    seed = min(cubes, key=lambda centre: cubes[centre][0])
    noise, value = cubes[seed]
    difference, regions, tolerance = np.abs(smooth - value), [], 3 * max(noise, 1e-3 * np.ptp(smooth))
    while True:
        near = difference <= tolerance
        near[seed] = True
        labels = ndimage.label(near)[0]
        region = labels == labels[seed]
        leaks = bool(regions) and region.sum() > 1.8 * regions[-1].sum()
        if leaks or any(region[tuple(other)] and not regions[0][tuple(other)] for other in negative if regions):
            return regions[max(0, len(regions) - 2)]
        regions.append(region)
        if tolerance >= difference.max():
            return region
        tolerance *= 2**0.5


@pytest.mark.parametrize("seed", range(4))
def test_boxes_and_memory_change_nothing(seed):
    """Clicks shown one after the other give, at every step, the mask of the plain method on full grids."""
    generator = np.random.default_rng(seed)
    blobs = [ball(generator.integers(8, 28, 3), generator.uniform(5, 14)) for _ in range(3)]
    image = image_of(np.any(blobs, axis=0), noise=25.0)
    session, prompts = RegionGrowing().open(image), Prompts("x").with_point((18, 18, 18), 1)
    for _ in range(6):
        point = tuple(int(generator.integers(n)) for n in GRID.shape_ijk)
        prompts = prompts.with_point(point, int(generator.integers(2)))
        assert (session.predict(prompts).full() == plain(image, prompts)).all()


def test_memory_is_bounded(monkeypatch):
    """When the remembered regions grow too large they are forgotten, and the answers stay the same."""
    inside = ball((30, 22, 18), 12)
    click = Prompts("x").with_point((30, 22, 18), 1).with_point((28, 20, 17), 1).with_point((31, 24, 19), 1)
    expected = RegionGrowing().open(image_of(inside)).predict(click)
    monkeypatch.setattr("bench.models.region_growing._REMEMBERED_VOXELS", 10)
    session = RegionGrowing().open(image_of(inside))
    assert (session.predict(click).full() == expected.full()).all()
    assert len(session.grown) == 1
