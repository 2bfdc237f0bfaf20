import numpy as np
import pytest
import SimpleITK as sitk
from pydicom import Dataset
from pydicom.uid import MPEG2MPML, JPEG2000Lossless, JPEGLSLossless, RLELossless

from curate.dicom import image
from curate.dicom.series import find_series
from curate.errors import ReadError
from curate.volume import from_simpleitk

POSES = [(0, 0, 0), (0, 1.5707963, 0), (1.5707963, 0, 0), (0.3, -0.4, 0.2), (0, 0, 3.1415926)]


def only(made):
    """Return the one series of a folder."""
    (found,) = find_series(made.folder)
    return found


def shown_where(volume):
    """Return how far, at most, the numbers of a ramp are from saying where their voxels lie."""
    indices = np.stack(np.meshgrid(*map(np.arange, volume.geometry.shape_ijk), indexing="ij"), axis=-1)
    return np.abs(volume.voxels - 10 * volume.geometry.to_world(indices) @ [1, 2, 3]).max()


def refusal(made):
    """Return the error of reading the one series; the header must refuse it with the same words."""
    with pytest.raises(ReadError) as by_read:
        image.read(only(made))
    with pytest.raises(ReadError) as by_header:
        image.header(only(made))
    assert (by_header.value.code, str(by_header.value)) == (by_read.value.code, str(by_read.value))
    return by_read.value


def shift(*millimetres, only_slice=None):
    """Return an edit that moves slice k by k times a vector, LPS, or one slice by that vector."""

    def edit(dataset, k):
        times = k if only_slice is None else float(k == only_slice)
        old = np.array(dataset.ImagePositionPatient, dtype=float)
        dataset.ImagePositionPatient = [f"{value:.10g}" for value in old + times * np.array(millimetres)]

    return edit


@pytest.mark.parametrize("turn", POSES)
def test_voxels_lie_where_their_positions_say(made, lay, turn):
    """File names, instance numbers and slice thickness mislead, on oblique grids too; only positions count."""
    grid = lay(turn=turn)

    def mislead(dataset, k):
        dataset.InstanceNumber = (3 * k) % 5

    made.classic(grid, names=["d", "a", "e", "c", "b"], edit=mislead)
    volume = image.read(only(made))
    assert shown_where(volume) < 0.51
    assert volume.geometry.same_grid(grid, tolerance=1e-6)
    assert image.header(only(made)).geometry.same_grid(volume.geometry, tolerance=1e-12)
    assert image.header(only(made)).verdict == "ok"


@pytest.mark.parametrize("turn", POSES)
def test_simpleitk_reads_the_same_volume(made, lay, turn):
    """GDCM, given the files in its own order, has the same voxels on the same grid."""
    made.classic(lay(turn=turn), RescaleSlope=2, RescaleIntercept=-1024)
    names = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(made.folder))
    theirs, ours = from_simpleitk(sitk.ReadImage(names)), image.read(only(made))
    assert ours.geometry.same_grid(theirs.geometry, tolerance=1e-4)
    np.testing.assert_array_equal(ours.voxels, theirs.voxels)


@pytest.mark.parametrize(
    ("dtype", "scales", "expected"),
    [
        (np.uint16, [(1, 0)], np.uint16),
        (np.int16, [(1, 0)], np.int16),
        (np.uint8, [(1, 0)], np.uint8),
        (np.uint16, [(1, -1024)], np.int16),
        (np.uint16, [(100, -1024)], np.int32),
        (np.uint16, [(0.5, 0)], np.float32),
        (np.uint16, [(0.5, 0), (2.0, 1), (1e-4, 0), (1, 0), (3, -7.25)], np.float32),
    ],
)
def test_each_slice_is_scaled_by_its_own_slope(made, lay, dtype, scales, expected):
    """Integers stay integers where slope and intercept are whole numbers; PET has a slope per slice."""
    grid = lay(shape=(4, 3, 5))
    stored = np.random.default_rng(1).integers(0, 250, grid.shape_ijk) * (1 if dtype == np.uint8 else 8)

    def scale(dataset, k):
        dataset.RescaleSlope, dataset.RescaleIntercept = scales[k % len(scales)]

    made.classic(grid, voxels=stored.astype(dtype), modality="PT", edit=scale)
    volume = image.read(only(made))
    slope, intercept = np.array([scales[k % len(scales)] for k in range(5)]).T
    assert volume.voxels.dtype == expected
    np.testing.assert_allclose(volume.voxels, stored * slope + intercept, rtol=1e-6)


def test_padding_is_kept(made, lay):
    """What lies outside the scanner's field of view keeps its number, scaled like any other."""
    voxels = np.full((4, 4, 3), 40, np.int16)
    voxels[0] = -2000
    made.classic(lay(shape=(4, 4, 3)), voxels=voxels, PixelPaddingValue=-2000, RescaleSlope=1, RescaleIntercept=-1024)
    assert np.unique(image.read(only(made)).voxels).tolist() == [-3024, -984]


@pytest.mark.parametrize("order", [range(5), (4, 3, 2, 1, 0), (2, 0, 4, 1, 3)])
def test_frames_of_an_enhanced_image_are_placed_by_their_functional_groups(made, lay, order):
    """One multi-frame file gives the volume of the classic series, in whatever order its frames come."""
    grid = lay(turn=(0.2, 0.1, -0.3))
    made.enhanced(grid, order, slope=1, intercept=-10)
    volume = image.read(only(made))
    assert volume.geometry.same_grid(grid, tolerance=1e-6)
    volume.voxels[...] += 10
    assert shown_where(volume) < 0.51


def test_several_multi_frame_files_make_one_volume(made, lay):
    """A series may be split into multi-frame files; planes are sorted over all of them."""
    grid = lay()
    made.enhanced(grid, (3, 0)).rename(made.folder / "z")
    made.enhanced(grid, (4, 2, 1))
    assert shown_where(image.read(only(made))) < 0.51


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless, JPEGLSLossless])
def test_lossless_compression_changes_nothing(made, lay, syntax):
    """RLE, JPEG 2000 and JPEG-LS files give the voxels of uncompressed ones."""
    grid = lay(shape=(65, 64, 3))
    made.classic(grid, edit=lambda dataset, _: dataset.compress(syntax, generate_instance_uid=False))
    assert shown_where(image.read(only(made))) < 0.51


def test_a_compression_without_decoder_is_named(made, lay):
    """The header reads; the voxels are refused with the name of the transfer syntax."""

    def relabel(dataset, _):
        dataset.compress(RLELossless, generate_instance_uid=False)
        dataset.file_meta.TransferSyntaxUID = MPEG2MPML

    made.classic(lay(), edit=relabel)
    assert image.header(only(made)).shape == (7, 6, 5)
    with pytest.raises(ReadError, match=r"^000\.dcm: no decoder for the transfer syntax MPEG2 Main Profile") as caught:
        image.read(only(made))
    assert caught.value.code == "unreadable"


def test_truncated_pixels_are_unreadable(made, lay):
    """A file that ends inside its pixels is refused by name, not filled up."""
    made.classic(lay())
    path = made.folder / "002.dcm"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ReadError, match=r"^002\.dcm: cannot be read") as caught:
        image.read(only(made))
    assert caught.value.code == "unreadable"


def test_every_cut_of_a_file_is_an_error_with_a_code(made, lay):
    """Wherever a copy stopped, the file is left out of the survey or refused with a code; nothing else is raised."""
    made.classic(lay(shape=(4, 3, 1)))
    path = made.folder / "000.dcm"
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        for found in find_series(made.folder):
            with pytest.raises(ReadError) as caught:
                image.read(found)
            assert caught.value.code in {"unreadable", "not_a_volume", "bad_geometry"}


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (shift(0, 0, 2.5, only_slice=4), r"1 missing, a gap of 5 mm where slices are 2.5 mm apart"),
        (shift(0, 0, -2.5, only_slice=3), r"duplicated slices, 5 planes at 4 positions"),
        (shift(0, 0, 0.9, only_slice=4), r"unequal spacing, slices are 2.5 to 3.4 mm apart"),
        (shift(0, 0.3, 0), r"shift sideways by up to 1.2 mm over 10 mm \(a tilted gantry"),
        (shift(0.5, 0, 0, only_slice=2), r"shift sideways by up to 0.5 mm"),
    ],
)
def test_slices_that_make_no_regular_grid_are_refused(made, lay, edit, message):
    """Missing, duplicated, uneven and sheared slices are `bad_geometry`; the message says what was found."""
    made.classic(lay(), edit=edit)
    error = refusal(made)
    assert error.code == "bad_geometry"
    with pytest.raises(ReadError, match=message):
        raise error


def test_rounded_positions_are_one_grid(made, lay):
    """Positions rounded to a tenth of a millimetre deviate by less than a tenth of a voxel, and are accepted."""

    def round_off(dataset, _):
        dataset.ImagePositionPatient = [f"{float(value):.1f}" for value in dataset.ImagePositionPatient]

    made.classic(lay(shape=(6, 5, 30), spacing=(0.7, 0.7, 0.625), origin=(0, 0, 0)), edit=round_off)
    assert image.read(only(made)).geometry.spacing[2] == pytest.approx(0.625, abs=0.003)


def test_planes_of_several_orientations_or_shapes_are_refused(made, lay):
    """A localizer among the slices, or slices of another size, are no volume."""
    made.classic(lay())
    made.classic(lay(shape=(7, 6, 1), turn=(1.5, 0, 0)), names=["scout"])
    error = refusal(made)
    assert error.code == "bad_geometry"
    assert "1 of 6 planes differ from the first in orientation or pixel spacing" in str(error)
    made.classic(lay(shape=(9, 6, 1)), names=["scout"])
    assert "planes of [(7, 6), (9, 6)] columns and rows, expected one shape" in str(refusal(made))


@pytest.mark.parametrize(
    ("tag", "value", "message"),
    [
        ("ImageOrientationPatient", [1, 0, 0, 1, 0, 0], "expected two unit vectors at 90 degrees"),
        ("PixelSpacing", [0, 1], r"pixel spacing 1.0 x 0.0 mm, expected positive numbers"),
    ],
)
def test_headers_that_describe_no_plane_are_refused(made, lay, tag, value, message):
    """Parallel direction cosines and a spacing of 0 are `bad_geometry`."""
    made.classic(lay(), edit=lambda dataset, _: setattr(dataset, tag, value))
    error = refusal(made)
    assert error.code == "bad_geometry"
    assert message in str(error)


def test_claims_of_too_many_pixels_are_refused(made, lay):
    """Nothing is allocated for what a header claims."""
    made.classic(lay(), Modality="MR", edit=lambda dataset, _: dataset.update({"Rows": 60_000, "Columns": 60_000}))
    error = refusal(made)
    assert error.code == "too_large"
    assert "72000000000 bytes of voxels, at most" in str(error)


def test_intensities_by_a_table_are_refused(made, lay):
    """A Modality LUT is no slope and intercept, and is not ignored."""
    made.classic(lay(), ModalityLUTSequence=[Dataset()])
    assert (refusal(made).code, "expected slope and intercept" in str(refusal(made))) == ("unreadable", True)


def test_a_clip_is_no_volume(made):
    """Frames in colour, or without positions, are a film and not a stack of slices."""
    film = made.blank("US")
    made.pixels(film, np.zeros((4, 6, 5, 3), np.uint8))
    path = made.save(film, "film")
    assert (refusal(made).code, str(refusal(made))) == (
        "not_a_volume",
        "series 1.2.3.4: 4 colour frames, expected one, or grey slices",
    )
    path.unlink()
    film = made.blank("US")
    made.pixels(film, np.zeros((4, 6, 5), np.uint8))
    made.save(film, "film")
    assert (refusal(made).code, str(refusal(made))) == (
        "not_a_volume",
        "series 1.2.3.4: 4 of 4 frames state no position",
    )


def test_a_series_without_pixels_is_no_volume(made):
    """A structure set read as an image says what it is."""
    made.structures({"liver": []})
    error = refusal(made)
    assert (error.code, str(error)) == (
        "not_a_volume",
        "structures.dcm: modality RTSTRUCT, holds no image or is cut off",
    )


@pytest.mark.parametrize(
    ("spacing", "unit", "verdict"), [(None, "pixel", "none"), ([0.2, 0.1], "mm", "repaired:orientation_assumed")]
)
def test_a_picture_without_position_is_two_dimensional(made, spacing, unit, verdict):
    """An X-ray keeps its pixels (column, row, 1), with its spacing where it states one, and claims no orientation."""
    pixels = np.arange(30, dtype=np.uint16).reshape(6, 5)
    picture = made.blank("DX", **({} if spacing is None else {"PixelSpacing": spacing}))
    made.pixels(picture, pixels)
    made.save(picture, "xray")
    volume, found = image.read(only(made)), image.header(only(made))
    np.testing.assert_array_equal(volume.voxels, pixels.T[:, :, np.newaxis])
    assert (volume.geometry.unit, found.verdict) == (unit, verdict)
    assert volume.geometry.spacing == ((0.1, 0.2, 1) if spacing else (1, 1, 1))


def test_a_single_colour_picture_keeps_its_channels(made):
    """One RGB frame is (column, row, 1, 3)."""
    pixels = np.random.default_rng(2).integers(0, 255, (6, 5, 3), dtype=np.uint8)
    picture = made.blank("US")
    made.pixels(picture, pixels)
    made.save(picture, "photo")
    np.testing.assert_array_equal(image.read(only(made)).voxels, pixels.transpose(1, 0, 2)[:, :, np.newaxis])


def test_a_single_slice_is_as_thick_as_it_says(made, lay):
    """Only a slice without neighbours takes its extent from SliceThickness."""
    made.classic(lay(shape=(7, 6, 1)))
    volume = image.read(only(made))
    assert shown_where(volume) < 0.51
    assert volume.geometry.spacing == pytest.approx((0.8, 1.1, 3.75))
