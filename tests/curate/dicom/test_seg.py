import highdicom
import numpy as np
import pytest
from highdicom.seg import SegmentDescription
from pydicom import Dataset, dcmread
from pydicom.sr.codedict import codes

from curate.dicom.seg import read_segments, segments, select
from curate.errors import ReadError
from curate.geometry import Geometry

TURN = (0.3, -0.4, 0.2)
KIDNEY = highdicom.sr.CodedConcept("64033007", "SCT", "Kidney")


def description(number, label="liver", kind=codes.SCT.Liver, **more):
    """Return how a segment is described."""
    category = codes.SCT.Organ
    return SegmentDescription(number, label, category, kind, highdicom.seg.SegmentAlgorithmTypeValues.MANUAL, **more)


def write(made, sources, masks, *, kind="BINARY", edit=None, name="seg.dcm", descriptions=None, **options):
    """Write masks, each (i, j, k), or one label map, as highdicom does; `edit` changes the file afterwards."""
    if kind == "LABELMAP":
        pixels = np.ascontiguousarray(masks.T)
        numbers = np.unique(masks[masks > 0]).tolist()
    else:
        pixels = np.stack([mask.T for mask in masks], axis=-1).astype(np.uint8)
        numbers = range(1, len(masks) + 1)
    described = descriptions or [description(number) for number in numbers]
    options = {"series_instance_uid": "1.2.3.8", "series_number": 8, "sop_instance_uid": "1.2.3.8.1", **options}
    seg = highdicom.seg.Segmentation(
        sources,
        pixels,
        kind,
        described,
        instance_number=1,
        manufacturer="a test",
        manufacturer_model_name="a test",
        software_versions="1",
        device_serial_number="1",
        **options,
    )
    if edit is not None:
        edit(seg)
    return made.save(seg, name)


def ball(geometry, centre_mm, radius_mm):
    """Return the voxels whose centres lie in a ball."""
    indices = np.stack(np.meshgrid(*map(np.arange, geometry.shape_ijk), indexing="ij"), axis=-1)
    return np.linalg.norm(geometry.to_world(indices) - centre_mm, axis=-1) < radius_mm


@pytest.fixture
def scene(made, lay):
    """Return a maker, an oblique series, its grid, and two balls in it that overlap."""
    grid = lay(shape=(13, 11, 9), spacing=(0.8, 1.1, 2.0), turn=TURN)
    sources = made.classic(grid)
    centre = grid.to_world((6, 5, 4))
    return made, sources, grid, [ball(grid, centre, 4), ball(grid, centre + 2, 3.5)]


def test_overlapping_segments_are_read_as_they_are(scene):
    """Voxels of two segments belong to both; frames without voxels, which the file leaves out, are empty."""
    made, sources, grid, balls = scene
    path = write(made, sources, balls)
    assert dcmread(path).NumberOfFrames < 2 * grid.shape_ijk[2]
    found = read_segments(path, grid)
    assert list(found) == [1, 2]
    for mask, expected in zip(found.values(), balls, strict=True):
        np.testing.assert_array_equal(mask.full(), expected)
        assert mask.voxels.any(axis=(1, 2)).all()
        assert mask.shape_ijk == grid.shape_ijk
    assert (found[1].full() & found[2].full()).any()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_label_map_gives_one_mask_per_value(scene, dtype):
    """LABELMAP files hold disjoint segments whose numbers may have gaps; 0 is no segment."""
    made, sources, grid, (first, second) = scene
    labels = np.where(second, 7, np.where(first, 300 if dtype == np.uint16 else 3, 0)).astype(dtype)
    path = write(made, sources, labels, kind="LABELMAP")
    found = read_segments(path, grid)
    assert list(found) == [int(value) for value in np.unique(labels)[1:]]
    for number, mask in found.items():
        np.testing.assert_array_equal(mask.full(), labels == number)


def test_padding_and_background_of_a_label_map_are_no_segments(scene):
    """A described background and the padding value, whatever its number, give no mask."""
    made, sources, grid, (first, _) = scene
    labels = np.where(first, 1, 5).astype(np.uint8)

    def pad(seg):
        seg.PixelPaddingValue = 5
        seg.SegmentSequence = [item for item in seg.SegmentSequence if item.SegmentNumber != 5]

    found = read_segments(write(made, sources, labels, kind="LABELMAP", edit=pad), grid)
    assert list(found) == [1]
    np.testing.assert_array_equal(found[1].full(), first)
    background = highdicom.sr.CodedConcept("125040", "DCM", "Background")
    described = [description(1), description(5, "rest", background)]
    path = write(made, sources, labels, kind="LABELMAP", descriptions=described)
    assert list(read_segments(path, grid)) == [1]
    assert [segment.number for segment in segments(path)] == [1]


def test_frames_are_placed_by_position_in_any_order(scene):
    """Shuffled frames, each with its own functional groups, give the same masks."""
    made, sources, grid, balls = scene
    path = write(made, sources, balls)
    shuffled = dcmread(path)
    order = np.random.default_rng(3).permutation(shuffled.NumberOfFrames)
    pixels, groups = shuffled.pixel_array[order], shuffled.PerFrameFunctionalGroupsSequence
    shuffled.PixelData = np.packbits(pixels.ravel(), bitorder="little").tobytes()
    shuffled.PerFrameFunctionalGroupsSequence = [groups[n] for n in order]
    found = read_segments(made.save(shuffled, "shuffled.dcm"), grid)
    for mask, expected in zip(found.values(), balls, strict=True):
        np.testing.assert_array_equal(mask.full(), expected)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0), (1, 0, 2)])
@pytest.mark.parametrize("flips", [(1, 1, 1), (-1, 1, -1), (1, -1, -1), (-1, -1, 1)])
def test_frames_may_run_along_other_axes_than_the_image(scene, order, flips):
    """The same file read on its image's grid with axes exchanged and flipped has its voxels at the same places."""
    made, sources, grid, balls = scene
    path = write(made, sources, balls)
    shape = tuple(grid.shape_ijk[axis] for axis in order)
    affine = np.eye(4)
    affine[:3, :3] = grid.affine[:3, list(order)] * flips
    first = [0 if flip > 0 else n - 1 for flip, n in zip(flips, shape, strict=True)]
    affine[:3, 3] = grid.to_world(np.array(first)[np.argsort(order)])
    flipped = [axis for axis in range(3) if flips[axis] < 0]
    for mask, expected in zip(read_segments(path, Geometry(shape, affine)).values(), balls, strict=True):
        np.testing.assert_array_equal(mask.full(), np.flip(expected.transpose(order), flipped))


def cropped(grid, low, high):
    """Return the part of a grid between two voxels."""
    affine = grid.affine.copy()
    affine[:3, 3] = grid.to_world(low)
    return Geometry(tuple(b - a for a, b in zip(low, high, strict=True)), affine)


def test_a_segment_must_lie_inside_the_image(scene):
    """A smaller image that holds the segments whole takes them; one that cuts them off is `grid_mismatch`."""
    made, sources, grid, balls = scene
    path = write(made, sources, balls)
    low, high = (0, 0, 1), (12, 11, 9)
    for mask, expected in zip(read_segments(path, cropped(grid, low, high)).values(), balls, strict=True):
        np.testing.assert_array_equal(mask.full(), expected[:12, :, 1:])
    with pytest.raises(ReadError, match=r"^seg\.dcm: frame \d+: a segment fills the box .* reaches beyond") as caught:
        read_segments(path, cropped(grid, (0, 0, 0), (13, 11, 5)))
    assert caught.value.code == "grid_mismatch"


@pytest.mark.parametrize(
    "other",
    [
        {"spacing": (0.8, 1.0, 2.0)},
        {"spacing": (0.8, 1.1, 3.0)},
        {"turn": (0.3, -0.4, 0.1)},
        {"origin": (-20, 10.5, -30)},
        {"spacing": (1.6, 2.2, 2.0)},
    ],
)
def test_pixels_that_are_no_voxels_are_refused(scene, lay, other):
    """Another spacing, direction or half a voxel of shift is `grid_mismatch`, never resampled in silence."""
    made, sources, _, balls = scene
    grid = lay(**{"shape": (13, 11, 9), "spacing": (0.8, 1.1, 2.0), "turn": TURN, **other})
    with pytest.raises(ReadError, match=r"its pixels are no voxels of the image's grid \(13, 11, 9\)") as caught:
        read_segments(write(made, sources, balls), grid)
    assert caught.value.code == "grid_mismatch"


def test_rounded_positions_still_fit(scene):
    """Positions that differ by a hundredth of a millimetre are those of the image."""
    made, sources, grid, balls = scene
    affine = grid.affine.copy()
    affine[:3, 3] += 0.01
    found = read_segments(write(made, sources, balls), Geometry(grid.shape_ijk, affine))
    np.testing.assert_array_equal(found[1].full(), balls[0])


def test_a_described_segment_without_frames_is_empty(scene):
    """A structure that was looked for and not found is an empty mask, not a missing one."""
    made, sources, grid, balls = scene
    found = read_segments(write(made, sources, [balls[0], np.zeros_like(balls[0])]), grid)
    assert (found[2].count, found[2].box, found[2].shape_ijk) == (0, (0,) * 6, grid.shape_ijk)


def test_probabilities_are_refused(scene):
    """A FRACTIONAL file is no segmentation until somebody chooses a threshold."""
    made, sources, grid, balls = scene
    path = write(made, sources, balls, kind="FRACTIONAL")
    with pytest.raises(ReadError, match="type FRACTIONAL, expected BINARY or LABELMAP") as caught:
        read_segments(path, grid)
    assert caught.value.code == "fractional_values"


def drop_position(seg):
    """Take the position of every frame away."""
    for frame in seg.PerFrameFunctionalGroupsSequence:
        del frame.PlanePositionSequence


def drop_last_segment(seg):
    """Describe one segment less than the frames name."""
    seg.SegmentSequence = list(seg.SegmentSequence)[:-1]


def drop_numbers(seg):
    """Take from the frames which segment they are of."""
    for frame in seg.PerFrameFunctionalGroupsSequence:
        del frame.SegmentIdentificationSequence


def cut_pixels(seg):
    """Lose the last byte of the pixels."""
    seg.PixelData = seg.PixelData[:-20]


@pytest.mark.parametrize(
    ("edit", "code", "message"),
    [
        (drop_position, "bad_geometry", "frame 1 states no position, orientation or pixel spacing"),
        (drop_last_segment, "unknown_value", "segment 2 is not described"),
        (drop_numbers, "unreadable", "frame 1 names no segment"),
        (cut_pixels, "unreadable", r"^seg\.dcm: cannot be read"),
    ],
)
def test_damaged_segmentations_are_refused(scene, edit, code, message):
    """What a frame lacks is said, with its number."""
    made, sources, grid, balls = scene
    path = write(made, sources, balls, edit=edit)
    with pytest.raises(ReadError, match=message) as caught:
        read_segments(path, grid)
    assert caught.value.code == code


def test_an_image_is_no_segmentation(scene):
    """A file of another kind is refused with its modality."""
    made, _, grid, _ = scene
    for read in (segments, lambda path: read_segments(path, grid)):
        with pytest.raises(ReadError, match=r"^000\.dcm: modality CT, expected a segmentation"):
            read(made.folder / "000.dcm")


def test_what_a_header_says_wrongly_is_not_printed(scene, recwarn, capfd):
    """Pydicom quotes texts that break the standard in warnings; none reaches the terminal."""
    made, sources, _, balls = scene
    secret = "a name that is far too long for a code"

    def name(seg):
        seg.SegmentSequence[0].SegmentedPropertyTypeCodeSequence[0].CodeValue = secret

    path = write(made, sources, balls, edit=name)
    recwarn.clear()
    assert segments(path)[0].type.value == secret
    assert not recwarn.list
    assert "".join(capfd.readouterr()) == ""


def test_segments_say_what_they_are(scene):
    """Number, label, coded category and type with its side, region and algorithm are read; both ways to choose work."""
    made, sources, _, balls = scene

    def sides(seg):
        left, liver = Dataset(), Dataset()
        left.CodeValue, left.CodingSchemeDesignator, left.CodeMeaning = "7771000", "SCT", "Left"
        liver.LongCodeValue, liver.CodingSchemeDesignator, liver.CodeMeaning = "1" * 20, "SCT", "Segment of liver"
        item = seg.SegmentSequence[1]
        item.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = [left]
        item.AnatomicRegionSequence = [liver]

    described = [description(1, "Liver (whole)"), description(2, "kidney L", KIDNEY)]
    liver, kidney = segments(write(made, sources, balls, descriptions=described, edit=sides))
    assert (liver.number, liver.label, liver.algorithm_type) == (1, "Liver (whole)", "MANUAL")
    assert (str(liver.type), liver.type.meaning, str(liver.category)) == ("SCT:10200004", "Liver", "SCT:91772007")
    assert (liver.modifiers, liver.regions) == ((), ())
    assert [str(code) for code in (*kidney.modifiers, *kidney.regions)] == ["SCT:7771000", "SCT:" + "1" * 20]
    assert select([liver, kidney], label="(?i)^liver") == [liver]
    assert select([liver, kidney], code="SCT:64033007") == [kidney]
    assert select([liver, kidney], label="kidney", code="SCT:10200004") == []
