import numpy as np
import pytest
from pydicom import dcmread

from curate.dicom.rtstruct import rasterise, rois, select
from curate.errors import ReadError, UsageError
from curate.geometry import Geometry

TURNS = [(0, 0, 0), (0, 1.5707963, 0), (0.3, -0.4, 0.2)]
CORNERS = 360
"""Of a polygon that stands for a circle; it deviates from it by less than 4e-5 of the radius."""


def ring(grid, k, radius_mm, centre_ij=(15, 12), *, reverse=False, corners=CORNERS):
    """Return a circle of millimetres around a voxel, as a contour in RAS+ mm in the plane k."""
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)[:: -1 if reverse else 1]
    i = centre_ij[0] + radius_mm * np.cos(angle) / grid.spacing[0]
    j = centre_ij[1] + radius_mm * np.sin(angle) / grid.spacing[1]
    return grid.to_world(np.stack([i, j, np.full(corners, float(k))], axis=1))


def square(grid, k, i0, j0, i1, j1):
    """Return a rectangle in voxels as a contour in RAS+ mm in the plane k."""
    return grid.to_world([(i0, j0, k), (i1, j0, k), (i1, j1, k), (i0, j1, k)])


def distance_mm(grid, centre_ijk):
    """Return how far every voxel centre lies from a voxel."""
    indices = np.stack(np.meshgrid(*map(np.arange, grid.shape_ijk), indexing="ij"), axis=-1)
    return np.linalg.norm(grid.to_world(indices) - grid.to_world(centre_ijk), axis=-1)


@pytest.fixture
def grid(lay):
    """Return an oblique grid."""
    return lay(shape=(31, 25, 9), spacing=(0.8, 1.1, 2.5), turn=TURNS[-1])


def mask_of(made, grid, contours, **options):
    """Write one region and fill it on the full grid."""
    return rasterise(made.structures({"region": contours}, **options), [1], grid)[1].full()


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_a_ball_is_the_voxels_whose_centres_lie_in_it(made, lay, turn, order):
    """Circles of a ball on every slice of an oblique grid fill its voxels; the grid's axes may come in any order."""
    grid = lay(shape=(31, 25, 9), spacing=(0.8, 1.1, 2.5), turn=turn)
    heights = (np.arange(9) - 4) * 2.5
    contours = [ring(grid, k, np.sqrt(9.3**2 - height**2)) for k, height in enumerate(heights) if abs(height) < 9.3]
    distance = distance_mm(grid, (15, 12, 4)).transpose(order)
    turned = Geometry(tuple(grid.shape_ijk[axis] for axis in order), grid.affine[:, [*order, 3]])
    mask = rasterise(made.structures({"ball": contours}), [1], turned)[1]
    certain = np.abs(distance - 9.3) > 1e-3
    np.testing.assert_array_equal(mask.full()[certain], (distance < 9.3)[certain])
    assert mask.voxels.any(axis=(1, 2)).all()
    assert mask.shape_ijk == turned.shape_ijk


@pytest.mark.parametrize("reverse", [False, True])
def test_a_contour_inside_another_is_a_hole(made, grid, reverse):
    """A donut is its ring, whichever way round the inner contour runs; an island in the hole is filled again."""
    distance = distance_mm(grid, (15, 12, 3))
    contours = [ring(grid, 3, 9.05), ring(grid, 3, 5.05, reverse=reverse), ring(grid, 3, 2.05)]
    expected = ((distance < 9.05) & (distance > 5.05)) | (distance < 2.05)
    expected[:, :, np.arange(9) != 3] = False
    np.testing.assert_array_equal(mask_of(made, grid, contours), expected)


def test_a_keyhole_is_a_donut(made, grid):
    """One contour that enters its hole through a channel without width fills the ring; the channel leaves no trace."""
    outer, inner = ring(grid, 3, 9.05), ring(grid, 3, 5.05, reverse=True)
    keyhole = np.concatenate([outer, outer[:1], inner, inner[:1]])
    donut = mask_of(made, grid, [outer, inner])
    assert donut.any()
    np.testing.assert_array_equal(mask_of(made, grid, [keyhole]), donut)


@pytest.mark.filterwarnings("ignore:The value for the data element")
def test_a_contour_of_more_than_64_kib_is_read(made, grid):
    """Files with explicit types cannot mark so long a text as numbers; it fills the same voxels."""
    path = made.structures({"fine": [ring(grid, 3, 9.05, corners=3600)], "coarse": [ring(grid, 3, 9.05)]})
    assert dcmread(path).ROIContourSequence[0].ContourSequence[0]["ContourData"].VR == "UN"
    fine, coarse = rasterise(path, [1, 2], grid).values()
    assert fine.count > 0
    np.testing.assert_array_equal(fine.full(), coarse.full())


def test_several_contours_on_a_slice_all_count(made, grid):
    """Two separate parts on one slice are both in the mask."""
    contours = [square(grid, 2, 1.5, 1.5, 4.5, 3.5), square(grid, 2, 10.5, 8.5, 12.5, 12.5)]
    expected = np.zeros(grid.shape_ijk, bool)
    expected[2:5, 2:4, 2] = expected[11:13, 9:13, 2] = True
    np.testing.assert_array_equal(mask_of(made, grid, contours), expected)


@pytest.mark.parametrize(("depth", "index"), [(3.4, 3), (2.6, 3), (3.499, 3), (3.5, 4), (2.5, 3), (-0.4, 0), (8.4, 8)])
def test_a_contour_between_slices_belongs_to_the_nearest(made, grid, depth, index):
    """Contours drawn on another series lie up to half a slice off; exactly between two, the upper slice has them."""
    mask = mask_of(made, grid, [square(grid, depth, 1.5, 1.5, 4.5, 3.5)])
    assert np.flatnonzero(mask.any(axis=(0, 1))).tolist() == [index]
    assert mask.sum() == 6


def test_contours_of_several_planes_in_one_slice_do_not_cancel(made, grid):
    """Where contours are drawn more finely than the image, the plane nearest to the slice counts, holes included."""
    near = [square(grid, 3.1, 1.5, 1.5, 7.5, 7.5), square(grid, 3.1, 3.5, 3.5, 5.5, 5.5)]
    far = [square(grid, 2.7, 1.5, 1.5, 9.5, 9.5), square(grid, 3.45, 1.5, 1.5, 4.5, 4.5)]
    np.testing.assert_array_equal(mask_of(made, grid, far[:1] + near + far[1:]), mask_of(made, grid, near))


def test_a_centre_on_the_contour_is_inside_on_the_side_of_growing_indices(made, grid):
    """A rectangle through voxel centres holds its low edges and not its high ones, rounding of decimals or not."""
    mask = mask_of(made, grid, [square(grid, 2, 3, 4, 7, 6)])
    assert np.argwhere(mask).min(axis=0).tolist() == [3, 4, 2]
    assert np.argwhere(mask).max(axis=0).tolist() == [6, 5, 2]


def test_a_contour_may_reach_over_the_edge_of_the_image(made, grid):
    """Within a slice, what lies beyond the image is cut off."""
    mask = mask_of(made, grid, [square(grid, 2, -5, -5, 1.5, 0.5)])
    assert np.argwhere(mask).tolist() == [[0, 0, 2], [1, 0, 2]]


@pytest.mark.parametrize(
    ("corners", "found"),
    [
        ((-1, 1, 1, 4, 4), "1 of 2 contours lie outside the image's grid"),
        ((8.5, 1, 1, 4, 4), "1 of 2 contours lie outside the image's grid"),
        ((2, -9, 1, -2, 4), "1 of 2 contours lie outside the image's grid"),
        ((2, 1, 25, 4, 29), "1 of 2 contours lie outside the image's grid"),
    ],
)
def test_contours_beyond_the_image_are_refused(made, grid, corners, found):
    """A structure of which a part lies wholly outside belongs to another image, and is not cut off in silence."""
    contours = [square(grid, 2, 1.5, 1.5, 4.5, 3.5), square(grid, *corners)]
    with pytest.raises(ReadError, match=rf"^structures\.dcm: region 1: {found}") as caught:
        mask_of(made, grid, contours)
    assert caught.value.code == "grid_mismatch"


def test_contours_across_slices_are_refused(made, grid):
    """Contours drawn on an image of another orientation cannot be filled slice by slice."""
    tilted = grid.to_world([(1, 1, 2), (9, 1, 2), (9, 20, 4), (1, 20, 4)])
    with pytest.raises(ReadError, match="a contour spans 2 slices of the grid") as caught:
        mask_of(made, grid, [tilted])
    assert caught.value.code == "grid_mismatch"


@pytest.mark.parametrize("kind", ["POINT", "OPEN_PLANAR", "OPEN_NONPLANAR"])
def test_only_closed_contours_are_filled(made, grid, kind):
    """Points and open lines enclose nothing; the region is refused, with its number and what it holds."""
    with pytest.raises(ReadError, match=f"region 1 has a {kind} contour, expected CLOSED_PLANAR") as caught:
        mask_of(made, grid, [square(grid, 2, 1, 1, 4, 4)], kind=kind)
    assert caught.value.code == "unreadable"


def test_regions_are_chosen_by_a_regular_expression(made, grid):
    """Names come sorted by number; the pattern picks among them; a region without contours is an empty mask."""
    path = made.structures({"GTV-1": [square(grid, 2, 1.5, 1.5, 4.5, 3.5)], "Lung_L": [], "gtv-2 ": []})
    found = rois(path)
    assert [(roi.number, roi.name) for roi in found] == [(1, "GTV-1"), (2, "Lung_L"), (3, "gtv-2")]
    chosen = [roi.number for roi in select(found, r"(?i)^gtv-\d$")]
    masks = rasterise(path, chosen, grid)
    assert {number: mask.count for number, mask in masks.items()} == {1: 6, 3: 0}


def test_what_is_asked_for_wrongly_is_said(made, grid, lay):
    """A number that the file lacks, a broken pattern and a file of another kind have messages of their own."""
    path = made.structures({"GTV": []})
    with pytest.raises(UsageError, match=r"no region 7; give some of \[1\]"):
        rasterise(path, [7], grid)
    with pytest.raises(UsageError, match="`GTV\\(` is no regular expression"):
        select(rois(path), "GTV(")
    made.classic(lay())
    with pytest.raises(ReadError, match=r"modality CT, expected a structure set \(RTSTRUCT\)"):
        rois(made.folder / "000.dcm")
