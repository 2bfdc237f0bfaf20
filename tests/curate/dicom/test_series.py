import hashlib

import pytest

from curate.dicom.reference import referenced_series
from curate.dicom.series import choose, find_series, survey
from curate.errors import ReadError, UsageError


def test_files_of_any_name_are_grouped_by_series(made, lay):
    """Two series in one tree come apart whatever the files are called, each with all its files and frames."""
    made.classic(lay(), names=["b", "IM.7", "deep/er/x.txt", "CT.1.2.840", "a.dcm"])
    made.classic(lay(shape=(4, 4, 2)), names=["c", "deep/y"], SeriesInstanceUID="1.2.3.7", Modality="MR")
    first, second = find_series(made.folder)
    assert (first.uid, first.modality, first.n_frames, len(first.files)) == ("1.2.3.4", "CT", 5, 5)
    assert (second.uid, second.modality, second.n_frames) == ("1.2.3.7", "MR", 2)
    assert {path.name for path in second.files} == {"c", "y"}
    assert (first.study_uid, first.frame_of_reference_uid) == ("1.2.3", "1.2.3.9")


def test_every_other_file_is_listed_with_its_reason(made, lay):
    """Text, an empty file, garbage behind the magic word and DICOM outside of any series are no series, but listed."""
    made.classic(lay())
    (made.folder / "notes.txt").write_text("no DICOM")
    (made.folder / "empty").write_bytes(b"")
    (made.folder / "garbage").write_bytes(bytes(128) + b"DICM" + b"\xff" * 300)
    directory = made.blank("CT")
    del directory.Modality, directory.SeriesInstanceUID
    made.save(directory, "DICOMDIR")
    found = survey(made.folder)
    assert len(found.series) == 1
    reasons = {other.path.name: other.reason for other in found.others}
    assert sorted(reasons) == ["DICOMDIR", "empty", "garbage", "notes.txt"]
    assert (reasons["notes.txt"], reasons["empty"]) == ("notes.txt: not a DICOM file", "empty: not a DICOM file")
    assert "states no modality" in reasons["DICOMDIR"]


def test_a_file_without_preamble_is_dicom(made):
    """Files that begin with the data set itself, as old writers made them, belong to their series."""
    made.save(made.blank("CT"), "old", preamble=False)
    assert [one.uid for one in find_series(made.folder)] == ["1.2.3.4"]


def test_blanked_series_uids_are_replaced_by_the_folder(made, lay):
    """Where anonymising emptied the SeriesInstanceUID, files of one folder are one series."""
    for folder, slices in (("p1", 3), ("p2", 2)):
        names = [f"{folder}/{k}" for k in range(slices)]
        made.classic(lay(shape=(4, 4, slices)), names=names, SeriesInstanceUID="")
    assert [(one.uid, one.n_frames, one.shown) for one in find_series(made.folder)] == [
        ("", 3, "folder p1"),
        ("", 2, "folder p2"),
    ]


def test_the_patient_is_known_by_a_hash_alone(made, lay):
    """The key is the SHA-256 of the PatientID, cut to 16 digits; name, id, date and description are not printed."""
    made.classic(lay())
    found = find_series(made.folder)[0]
    assert found.patient_key == hashlib.sha256(b"MRN-77").hexdigest()[:16]
    with pytest.raises(ReadError) as caught:
        choose([found], description="abdomen")
    for secret in ("Doe", "MRN-77", "1970", "2020", "secret"):
        assert secret not in repr(found) + str(caught.value)


def test_no_patient_id_gives_no_key(made, lay):
    """Files without PatientID do not all become one patient."""
    made.classic(lay(), PatientID="")
    assert find_series(made.folder)[0].patient_key is None


@pytest.mark.parametrize(
    ("condition", "uid"),
    [
        ({"uid": "1.2.3.4"}, "1.2.3.4"),
        ({"description": "^Thorax"}, "1.2.3.4"),
        ({"description": "(?i)ABDOMEN"}, "1.2.3.6"),
        ({"modality": "MR"}, "1.2.3.6"),
    ],
)
def test_one_series_is_chosen_by_uid_description_or_modality(made, lay, condition, uid):
    """Each condition alone singles out its series."""
    made.classic(lay())
    names = [f"other/{k}" for k in range(5)]
    made.classic(lay(), names=names, SeriesInstanceUID="1.2.3.6", SeriesDescription="abdomen", Modality="MR")
    assert choose(find_series(made.folder), **condition).uid == uid


def test_a_series_is_chosen_by_what_refers_to_it(made, lay):
    """The structure set names the series that it was drawn on, among others of the same modality."""
    made.classic(lay())
    made.classic(lay(), names=[f"other/{k}" for k in range(5)], SeriesInstanceUID="1.2.3.6")
    path = made.structures({"liver": []})
    assert referenced_series(path) == ("1.2.3.4",)
    assert choose(find_series(made.folder), referenced_by=path).uid == "1.2.3.4"


def test_none_or_several_fitting_series_are_refused(made, lay):
    """No fit is `no_image`, several are `ambiguous_file`; the message lists what there is by uid, modality and size."""
    made.classic(lay())
    made.classic(lay(), names=[f"other/{k}" for k in range(5)], SeriesInstanceUID="1.2.3.6")
    found = find_series(made.folder)
    with pytest.raises(ReadError, match=r"0 of 2 series fit \(modality PT\).* found series 1.2.3.4 \(CT, 5") as none:
        choose(found, modality="PT")
    with pytest.raises(ReadError, match=r"2 of 2 series fit \(modality CT\), expected one") as several:
        choose(found, modality="CT")
    assert (none.value.code, several.value.code) == ("no_image", "ambiguous_file")
    with pytest.raises(UsageError, match="is no regular expression"):
        choose(found, description="[")
