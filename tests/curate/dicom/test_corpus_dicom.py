"""Real DICOM against what others made of it: NIfTI twins, NRRD twins, SimpleITK."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from curate import readers
from curate.dicom import image, rtstruct, seg
from curate.dicom.series import choose, find_series, survey
from curate.errors import ReadError
from curate.volume import from_simpleitk

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def dcmqi(corpus_dir) -> Path:
    """Return the folder of the DICOM SEG test data of dcmqi."""
    return corpus_dir / "dcmqi-ct-seg/data/segmentations"


@pytest.mark.parametrize(
    ("modality", "dtype", "voxels"),
    [("CT", np.int16, 8862), ("PET", np.float32, 388), ("MR_T1", np.int16, 8862)],
)
def test_image_and_contours_equal_their_nifti_twins(corpus_dir, modality, dtype, voxels):
    """Every voxel of the GTV agrees with the mask that MIRP made; images agree but for the rounding of SUV."""
    folder = corpus_dir / "ibsi-sts-dicom/ibsi_validation/dicom/STS_008" / modality
    twin = corpus_dir / "ibsi-sts/ibsi_validation/nifti/STS_008"
    contours = folder / "mask/RS.dcm"
    volume = image.read(choose(find_series(folder), referenced_by=contours))
    expected = readers.read(twin / f"{modality}_image.nii.gz")
    assert volume.voxels.dtype == dtype
    assert volume.geometry.same_grid(expected.geometry)
    np.testing.assert_allclose(volume.voxels, expected.voxels, rtol=0, atol=1e-6 if modality == "PET" else 0)
    (roi,) = rtstruct.select(rtstruct.rois(contours), "^GTV_Mass")
    mask = rtstruct.rasterise(contours, [roi.number], volume.geometry)[roi.number]
    np.testing.assert_array_equal(mask.full(), readers.read(twin / f"{modality}_mask.nii.gz").voxels == 1)
    assert mask.count == voxels


def test_a_jpeg_2000_series_without_suffixes_equals_simpleitk(corpus_dir):
    """Compressed, overlapping slices (3 mm thick, 2 mm apart) with blanked UIDs; the mask of the same scan fits."""
    folder = corpus_dir / "totalseg-ref/tests/reference_files/example_ct_dicom"
    series = choose(find_series(folder), modality="CT")
    volume = image.read(series)
    theirs = from_simpleitk(sitk.ReadImage(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder))))
    np.testing.assert_array_equal(volume.voxels, theirs.voxels)
    assert volume.geometry.same_grid(theirs.geometry)
    assert (volume.geometry.spacing[2], volume.geometry.orientation, volume.voxels.dtype) == (2.0, "LPS", np.int16)
    mask = nibabel.load(folder.with_name("example_seg_dicom.nii.gz"))
    assert readers.header(Path(mask.get_filename())).geometry.orientation == "LAS"
    assert (
        image.header(series)
        .geometry.canonical()
        .same_grid(readers.header(Path(mask.get_filename())).geometry.canonical())
    )


@pytest.mark.parametrize("name", ["23x38x3", "24x38x3"])
def test_a_converted_multi_frame_image_equals_its_slices(dcmqi, name):
    """The multi-frame file, whose frames come in reverse, is the volume of the files that it was made from."""
    slices, frames = (image.read(choose(find_series(dcmqi / name / kind))) for kind in ("image", "multiframe"))
    np.testing.assert_array_equal(frames.voxels, slices.voxels)
    assert frames.geometry.same_grid(slices.geometry, tolerance=1e-9)


@pytest.mark.parametrize(
    ("segmentation", "twins"),
    [
        ("23x38x3/seg/label.seg", ["23x38x3/nrrd/label.nrrd"]),
        ("24x38x3/seg/label.seg", ["24x38x3/nrrd/label.nrrd"]),
        ("liver.dcm", ["liver_seg.nrrd"]),
        ("partial_overlaps.dcm", [f"partial_overlaps-{n}.nrrd" for n in (1, 2, 3)]),
        ("sparse-labelmap-noppv.dcm", ["sparse_labelmap_noppv_seg.nrrd"]),
        ("sparse-labelmap-ppv5.dcm", ["sparse_labelmap_ppv5_seg.nrrd"]),
    ],
)
def test_segments_equal_their_nrrd_twins(dcmqi, segmentation, twins):
    """Binary and label map files, sparse and overlapping, fill the voxels of the label maps that dcmqi wrote."""
    path = dcmqi / segmentation
    grid = image.header(choose(find_series(dcmqi), referenced_by=path)).geometry
    found = seg.read_segments(path, grid)
    compared = set()
    for twin in (readers.read(dcmqi / name) for name in twins):
        oracle, canonical = twin.canonical(), grid.canonical()
        assert oracle.geometry.same_grid(canonical)
        for number in set(np.unique(twin.voxels).tolist()) - {0, 5 if "ppv5" in segmentation else 0}:
            mask = found[number].full()
            flips = [axis for axis, flip in enumerate(grid.canonical_transform()[1]) if flip]
            np.testing.assert_array_equal(np.flip(mask, flips), oracle.voxels == number)
            compared.add(number)
    assert compared == set(found)


def test_liver_is_found_by_name_and_by_code(dcmqi):
    """The segment says what it is in text and in SNOMED, old codes or new."""
    (liver,) = seg.select(seg.segments(dcmqi / "sparse-labelmap-ppv5.dcm"), code="SCT:10200004")
    (older,) = seg.select(seg.segments(dcmqi / "liver.dcm"), label="^Liver$", code="SRT:T-62000")
    assert (liver.label, liver.type.meaning, older.type.meaning) == ("Liver", "Liver", "Liver")


def test_a_segmentation_of_another_image_is_refused(dcmqi):
    """A liver on 512 columns does not fit an image of 24."""
    grid = image.header(choose(find_series(dcmqi / "24x38x3/image"))).geometry
    with pytest.raises(ReadError, match="its pixels are no voxels of the image's grid") as caught:
        seg.read_segments(dcmqi / "liver.dcm", grid)
    assert caught.value.code == "grid_mismatch"


def test_every_file_is_in_one_series_or_among_the_others(dcmqi):
    """Ten series and the label maps in other formats make up the whole folder."""
    found = survey(dcmqi)
    listed = [path for series in found.series for path in series.files] + [other.path for other in found.others]
    assert sorted(listed) == sorted(path for path in dcmqi.rglob("*") if path.is_file())
    assert len(found.series) == 10
    assert {other.path.suffix for other in found.others} == {".nrrd"}
