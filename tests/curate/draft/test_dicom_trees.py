"""DICOM in trees of unknown layout: series are folders, structure sets and segmentations name their masks."""

from pathlib import Path

from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

CLASSES = {"CT": "1.2.840.10008.5.1.4.1.1.2", "MR": "1.2.840.10008.5.1.4.1.1.4", "PT": "1.2.840.10008.5.1.4.1.1.128"}
CLASSES |= {"RTSTRUCT": "1.2.840.10008.5.1.4.1.1.481.3", "SEG": "1.2.840.10008.5.1.4.1.1.66.4"}


def save(path: Path, modality: str, series: str, **more) -> None:
    """Write a DICOM file of a header alone."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID, dataset.SOPInstanceUID = CLASSES[modality], generate_uid()
    dataset.Modality, dataset.SeriesInstanceUID, dataset.StudyInstanceUID = modality, series, "1.2"
    dataset.PatientName, dataset.PatientID = "Doe^Jane", "MRN-77"
    dataset.update(more)
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)


def series(folder: Path, modality: str, uid: str, name: str = "IM{:04}.dcm") -> None:
    """Write the slices of a series."""
    for number in range(3):
        save(folder / name.format(number), modality, uid)


def item(**elements) -> Dataset:
    """Return an item of a sequence."""
    made = Dataset()
    made.update(elements)
    return made


def structure_set(path: Path, drawn_on: str, names: list[str]) -> None:
    """Write a structure set that refers to a series."""
    one = item(SeriesInstanceUID=drawn_on)
    study = item(RTReferencedSeriesSequence=Sequence([one]))
    frame = item(RTReferencedStudySequence=Sequence([study]))
    rois = [item(ROINumber=number, ROIName=name) for number, name in enumerate(names, start=1)]
    save(
        path,
        "RTSTRUCT",
        generate_uid(),
        ReferencedFrameOfReferenceSequence=Sequence([frame]),
        StructureSetROISequence=Sequence(rois),
    )


def segmentation(path: Path, drawn_on: str, labels: list[str]) -> None:
    """Write the header of a segmentation that refers to a series."""
    segments = [item(SegmentNumber=number, SegmentLabel=name) for number, name in enumerate(labels, start=1)]
    save(
        path,
        "SEG",
        generate_uid(),
        ReferencedSeriesSequence=Sequence([item(SeriesInstanceUID=drawn_on)]),
        SegmentSequence=Sequence(segments),
    )


def test_series_and_structure_set_in_folders(maker):
    """Each patient has a CT folder and a structure set: the regions' names become patterns, unknown ones wait."""
    tree = maker.folder / "tree"
    for number, patient in enumerate(("LUNG1-001", "LUNG1-002")):
        series(tree / patient / "ct", "CT", f"1.2.3.{number}", name="CT.{}")
        structure_set(tree / patient / "rt" / "RS.dcm", f"1.2.3.{number}", ["Lung-Left", "GTV-1", "Blorbx (old)"])
    found = maker.draft(tree, "lung1")
    assert (found.draft.layout, found.counts) == ("DICOM folders", (2, 2, 2))
    assert (found.image_paths, found.label_paths) == (["{case}/ct/"], ["{case}/rt/RS.dcm"])
    assert found.recipe.labels[0].rois == {"^GTV-1$": "lung_tumor", "^Lung-Left$": "lung_left"}
    assert 'decide: the source calls it "Blorbx (old)"' in found.draft.toml
    assert found.recipe.images[0].series is None
    assert found.found.unnamed == 0


def test_segmentation_beside_its_slices(maker):
    """Where a segmentation lies among the slices, the draft says which series is the image."""
    tree = maker.folder / "tree"
    for number in (1, 2):
        series(tree / f"p{number}", "MR", f"1.2.3.{number}")
        segmentation(tree / f"p{number}" / "seg.dcm", f"1.2.3.{number}", ["Liver", "Spleen"])
    found = maker.draft(tree)
    assert (found.image_paths, found.label_paths) == (["{case}/"], ["{case}/seg.dcm"])
    (image,) = found.recipe.images
    assert (image.modality, image.series.modality) == ("MR", "MR")
    assert found.recipe.labels[0].segments == {"^Liver$": "liver", "^Spleen$": "spleen"}
    assert found.counts == (2, 2, 2)


def test_references_decide_between_series(maker):
    """Of a CT and a PET in folders called by numbers, the structure set's own reference says which it was drawn on."""
    tree = maker.folder / "tree"
    series(tree / "study" / "1001", "CT", "1.2.3.1")
    series(tree / "study" / "1002", "PT", "1.2.3.2")
    structure_set(tree / "study" / "1003" / "rs.dcm", "1.2.3.2", ["GTV"])
    found = maker.draft(tree)
    assert found.image_paths == ["study/1002/"]
    assert found.recipe.images[0].modality == "PET"
    assert found.counts == (1, 1, 1)


def test_one_patient_with_a_folder_per_scanner(maker):
    """CT and MR folders of one patient are channels of one case, each with its own structure set."""
    tree = maker.folder / "tree"
    for number, (name, modality) in enumerate((("CT", "CT"), ("MR_T1", "MR"))):
        series(tree / "P1" / name / "image", modality, f"1.2.3.{number}")
        structure_set(tree / "P1" / name / "mask" / "RS.dcm", f"1.2.3.{number}", ["GTV"])
    found = maker.draft(tree)
    assert found.keys == ["P1"]
    assert [(one.channel, one.modality, one.sequence) for one in found.recipe.images] == [
        ("CT", "CT", None),
        ("MR_T1", "MR", "T1"),
    ]
    assert [one.images for one in found.recipe.labels] == [("CT",), ("MR_T1",)]


def test_label_map_of_a_series(maker):
    """A NIfTI label map beside a DICOM folder belongs to it."""
    tree = maker.plant({f"p{n}/labels.nii.gz": "@labels 1 2" for n in (1, 2)})
    for n in (1, 2):
        series(tree / f"p{n}" / "dicom", "CT", f"1.2.3.{n}")
    found = maker.draft(tree)
    assert (found.image_paths, found.label_paths) == (["{case}/dicom/"], ["{case}/labels.nii.gz"])
    assert found.counts == (2, 2, 2)


def test_no_patient_stands_in_a_draft(maker):
    """Neither PatientName nor PatientID of any header gets into the text or the notes."""
    tree = maker.folder / "tree"
    series(tree / "a" / "ct", "CT", "1.2.3.1")
    structure_set(tree / "a" / "rs.dcm", "1.2.3.1", ["Heart"])
    made = maker.draft(tree).draft
    assert not any(word in text for word in ("Doe", "MRN-77") for text in (made.toml, *made.notes))


def test_structures_without_any_target_still_load(maker):
    """A structure set of which no region has a target leaves an empty table and a line for each region."""
    tree = maker.folder / "tree"
    series(tree / "a" / "ct", "CT", "1.2.3.1")
    structure_set(tree / "a" / "rs.dcm", "1.2.3.1", ["Blorbx"])
    found = maker.draft(tree)
    assert found.recipe.targets() == []
    assert '"^Blorbx$" = "?"' in found.draft.toml
