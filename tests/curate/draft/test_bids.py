"""BIDS: subjects, sessions, channels, derivatives and lookup tables."""

import json

SUBJECTS = ("sub-01", "sub-02")
LOOKUP = "index\tname\tabbreviation\n0\tbackground\tBG\n1\tleft hippocampus\tHL\n7\tblorbx\tB\n"


def test_sessions_share_a_patient(draft_of):
    """Subject and session make the case, the subject alone the patient; a mask's entity names its target."""
    files = {"dataset_description.json": json.dumps({"Name": "Two visits", "License": "CC0", "DatasetDOI": "10.1/x"})}
    for sub in SUBJECTS:
        for ses in ("ses-a", "ses-b"):
            stem = f"{sub}/{ses}/anat/{sub}_{ses}"
            files[f"{stem}_T2w.nii.gz"] = "@mr"
            files[f"{sub}/{ses}/func/{sub}_{ses}_bold.nii.gz"] = "@mr"
            files[f"derivatives/manual/{stem}_label-prostate_mask.nii.gz"] = "@labels 1"
    found = draft_of(files)
    assert (found.draft.layout, found.counts) == ("BIDS", (4, 4, 4))
    assert found.keys == ["sub-01_ses-a", "sub-01_ses-b", "sub-02_ses-a", "sub-02_ses-b"]
    assert {case.patient_id for case in found.found.cases} == set(SUBJECTS)
    assert found.recipe.targets() == ["prostate"]
    assert [(one.modality, one.sequence) for one in found.recipe.images] == [("MR", "T2")]
    facts = found.recipe.dataset
    assert (facts.title, facts.source) == ("Two visits", "10.1/x")
    assert facts.licence_evidence == "dataset_description.json: CC0"


def test_lookup_table_names_values(draft_of):
    """`dseg.tsv` maps values to names: known ones become targets, others wait."""
    files = {"derivatives/seg/dseg.tsv": LOOKUP}
    for sub in SUBJECTS:
        files[f"{sub}/anat/{sub}_T1w.nii.gz"] = "@mr"
        files[f"derivatives/seg/{sub}/anat/{sub}_dseg.nii.gz"] = "@labels 1 7"
    found = draft_of(files)
    (entry,) = found.recipe.labels
    assert {str(value): target for value, target in entry.values.items()} == {"1": "hippocampus_left"}
    assert '# 7 = "?" decide: the source calls it "blorbx"' in found.draft.toml
    assert entry.path == "derivatives/seg/sub-*/anat/{case:sub-[^_/]+}_dseg.nii.gz"


def test_a_label_file_annotates_the_channel_that_it_names(draft_of):
    """Of two contrasts, the mask `T2w_label-...` belongs to T2w alone; raters tell two pipelines apart."""
    files = {}
    for sub in SUBJECTS:
        for contrast in ("T1w", "T2w"):
            files[f"{sub}/anat/{sub}_{contrast}.nii.gz"] = "@mr"
        for maker in ("anna", "bob"):
            files[f"derivatives/{maker}/{sub}/anat/{sub}_T2w_label-liver_mask.nii.gz"] = "@labels 1"
    found = draft_of(files)
    assert [(one.images, one.rater) for one in found.recipe.labels] == [(("T2w",), None), (("T2w",), "bob")]
    assert [one.channel for one in found.recipe.images] == ["T1w", "T2w"]
    assert found.counts == (2, 2, 4)  # T1w is there and not labelled


def test_names_like_bids_without_labels_are_left_to_others(maker):
    """Subjects whose labels do not follow BIDS are drafted by folders."""
    files = {f"{sub}/{sub}_T1w.nii.gz": "@mr" for sub in SUBJECTS}
    found = maker.of(files | {f"{sub}/lesion.nii.gz": "@labels 1" for sub in SUBJECTS})
    assert (found.draft.layout, found.counts) == ("one folder per case", (2, 2, 2))
