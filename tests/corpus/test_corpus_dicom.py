"""Real DICOM through recipes: series in folders, RTSTRUCT, SEG, and a NIfTI label map on a DICOM image."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from curate import manifest, pipeline, profile, sources, volume
from curate.executor import Where
from curate.labelmap import extract

pytestmark = pytest.mark.shared
HERE = Path(__file__).parent
RAW = {
    "ibsi-sts-dicom": "ibsi-sts-dicom",
    "dcmqi-ct-seg": "dcmqi-ct-seg",
    "totalseg-ref-dicom": "totalseg-ref",
}


@pytest.fixture(scope="module")
def store(tmp_path_factory, corpus_dir):
    """Build the three DICOM datasets; their recipes expect every count that comes out."""
    out = tmp_path_factory.mktemp("dicom") / "store"
    found = [
        source
        for name, folder in RAW.items()
        for source in sources.from_names([str(HERE / f"dicom/{name}.toml")], corpus_dir / folder)
    ]
    reports = pipeline.build(found, out, profile.load("native"), Where(1))
    assert {report.dataset: list(report.surprises) for report in reports} == {name: [] for name in RAW}
    return out


def masks_of(store, dataset):
    """Return target/rater after the hash of the mask_id -> (row, voxels on the stored grid, affine)."""
    images = {row["image_id"]: row for row in manifest.read_table(store, "images", [dataset]).to_pylist()}
    found = {}
    for row in manifest.read_table(store, "masks", [dataset]).to_pylist():
        labels = volume.read(store / row["path"]).voxels
        affine = np.reshape(images[row["image_id"]]["affine"], (4, 4))
        found[row["mask_id"].split("/", 1)[1]] = (row, extract(labels, row["label_values"]).full(), affine)
    return found


@pytest.mark.parametrize("name", ["CT", "PET", "MR_T1"])
def test_structure_set_equals_its_nifti_twin(store, corpus_dir, name):
    """Each RTSTRUCT gives, voxel for voxel, the mask that IBSI made of it."""
    twin = nibabel.load(corpus_dir / f"ibsi-sts/ibsi_validation/nifti/STS_008/{name}_mask.nii.gz")
    twin = nibabel.as_closest_canonical(twin)
    _, inside, affine = masks_of(store, "ibsi-sts-dicom")[f"STS_008/{name}#soft_tissue_sarcoma"]
    assert np.array_equal(np.asanyarray(twin.dataobj) != 0, inside)
    assert np.allclose(twin.affine, affine, atol=1e-3)


@pytest.mark.parametrize("name", ["CT", "MR_T1"])
def test_series_equals_its_nifti_twin(store, corpus_dir, name):
    """The voxels of a series are those that IBSI wrote as NIfTI."""
    twin = nibabel.load(corpus_dir / f"ibsi-sts/ibsi_validation/nifti/STS_008/{name}_image.nii.gz")
    twin = nibabel.as_closest_canonical(twin)
    image = volume.read(store / f"images/ibsi-sts-dicom/STS_008/{name}.nii.gz")
    assert np.array_equal(twin.get_fdata(), image.voxels)


@pytest.mark.parametrize(
    ("mask", "twin"),
    [
        ("ct-3slice#liver", "liver_seg.nrrd"),
        ("24x38x3#liver/binary", "24x38x3/nrrd/label.nrrd"),
        ("24x38x3#liver/labelmap", "sparse_labelmap_ppv5_seg.nrrd"),
    ],
)
def test_segments_equal_their_nrrd_twins(store, corpus_dir, mask, twin):
    """Each SEG fills as many mm3 around the same centre as the NRRD that it was made from."""
    image = sitk.ReadImage(str(corpus_dir / "dcmqi-ct-seg/data/segmentations" / twin))
    inside = sitk.GetArrayFromImage(image).T == 1  # 5 pads what the sparse frames leave out
    row, _, _ = masks_of(store, "dcmqi-ct-seg")[mask]
    assert int(inside.sum()) == row["voxels"]
    assert np.prod(image.GetSpacing()) * inside.sum() == pytest.approx(row["volume_mm3"], rel=1e-4)
    centre = image.TransformContinuousIndexToPhysicalPoint(np.argwhere(inside).mean(axis=0).tolist())
    assert np.array(centre) * (-1, -1, 1) == pytest.approx(np.array(row["centroid_mm"]), abs=1e-2)


def test_nifti_labels_on_a_series_without_suffixes(store, corpus_dir):
    """A label map that runs the other way meets the JPEG-2000 series by its affine; spacing is that of positions."""
    labels = nibabel.load(corpus_dir / "totalseg-ref/tests/reference_files/example_seg_dicom.nii.gz")
    labels = nibabel.as_closest_canonical(labels)
    values = np.asanyarray(labels.dataobj)
    found = masks_of(store, "totalseg-ref-dicom")
    assert {int(row["source_label"]) for row, _, _ in found.values()} == set(np.unique(values)) - {0}
    for row, inside, affine in found.values():
        assert np.array_equal(values == int(row["source_label"]), inside)
        assert np.allclose(labels.affine, affine, atol=1e-2)
    image = manifest.read_table(store, "images", ["totalseg-ref-dicom"]).to_pylist()[0]
    assert image["spacing_mm"] == pytest.approx([0.977, 0.977, 2.0], abs=1e-3)


def test_a_series_is_one_source(store):
    """A folder of files is one image, named by its folder, with one digest."""
    images = manifest.read_table(store, "images", ["ibsi-sts-dicom"]).to_pylist()
    assert {row["source_path"] for row in images} == {
        f"ibsi_validation/dicom/STS_008/{name}/image/" for name in ("CT", "PET", "MR_T1")
    }
    assert all(len(row["source_sha256"]) == 64 for row in images)
