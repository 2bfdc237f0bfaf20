import re
import subprocess
import sys

import pytest

from curate.errors import UnknownNameError
from curate.plugins import shipped_folder
from curate.vocabulary import ModalitySynonyms, Synonyms, Vocabulary
from curate.vocabulary.spelling import fold, rows

VOCABULARY = Vocabulary.load()
LABELS = list(rows(shipped_folder("vocabulary") / "synonyms.csv"))
SCANNERS = list(rows(shipped_folder("vocabulary") / "modality_synonyms.csv"))


@pytest.mark.parametrize(
    ("label", "folded"),
    [
        ("Brain_Tumour", "brain tumor"),
        ("  left--kidney ", "left kidney"),
        ("vertebrae_C1", "vertebrae c1"),
        ("cervical vertebrae 1 (c1)", "cervical vertebrae 1 c1"),
        ("Oedema/Grey matter", "edema gray matter"),
        ("Haemorrhage of the oesophagus", "hemorrhage of the esophagus"),
    ],
)
def test_folding_removes_what_means_nothing(label, folded):
    """Case, separators and British spelling do not tell labels apart, and folding twice changes nothing."""
    assert fold(label) == fold(folded) == folded


@pytest.mark.parametrize("label", ["kidney_left", "Left Kidney", "kidney L", "Kidney-Left", "left_kidney"])
def test_a_side_may_stand_anywhere(label):
    """Any spelling of the left kidney is `kidney_left`, without a row for it."""
    assert VOCABULARY.resolve(label) == ("kidney_left",)


@pytest.mark.parametrize(
    ("label", "context", "slugs"),
    [
        ("rib_left_4", None, ("rib_4_left",)),
        ("vertebrae_T12", None, ("vertebra_t12",)),
        ("heart atrium left", None, ("heart_atrium_left",)),
        ("gluteus", None, ("gluteus_maximus", "gluteus_medius", "gluteus_minimus")),
        ("left gluteus", None, ("gluteus_maximus_left", "gluteus_medius_left", "gluteus_minimus_left")),
        ("IAC_L", "segrap2023", ("internal_auditory_canal_left",)),
        ("left IAC", "toothfairy2", ("inferior_alveolar_canal_left",)),
        ("oedema", "myops2020", ("myocardial_edema",)),
        ("edema", "msd-braintumour", ("brain_tumor_edema",)),
        ("ventricle", "sa-med3d", ("heart_ventricle",)),
        ("left ventricle", "mm-whs", ("heart_ventricle_left",)),
        ("myocardium", None, ("heart_myocardium",)),
        ("myocardium", "cmrxmotion", ("heart_myocardium_left_ventricle",)),
        ("tumour", "egd", ("brain_tumor",)),
        ("tumour", "a-dataset-of-mine", ("tumor",)),
    ],
)
def test_labels_mean_what_their_datasets_mean(label, context, slugs):
    """A row of the context wins, then one that holds anywhere, then the slug itself."""
    assert VOCABULARY.resolve(label, context) == slugs


@pytest.mark.parametrize(
    ("label", "context", "message"),
    [
        (
            "IAC",
            None,
            "`IAC` depends on its dataset; give one of these contexts: segrap2023 (internal_auditory_canal)",
        ),
        ("IAC_R", None, "`IAC_R` depends on its dataset; give one of these contexts: segrap2023 (internal"),
        ("edema", None, "`edema` depends on its dataset; give one of these contexts: "),
        ("edema", "lits", "`edema` depends on its dataset; give one of these contexts: "),
        (
            "ventricle",
            None,
            "`ventricle` depends on its dataset; give one of these contexts: sa-med3d (heart_ventricle)",
        ),
        ("left ventricle", None, "`left ventricle` depends on its dataset; give one of these contexts: "),
        ("kidny", None, "unknown label `kidny`; did you mean `kidney`?"),
        ("left", None, "unknown label `left`"),
        ("", None, "unknown label ``"),
    ],
)
def test_a_word_that_says_too_little_is_refused(label, context, message):
    """Words with several meanings name the contexts to choose from; unknown ones the nearest word."""
    with pytest.raises(UnknownNameError, match=f"^{re.escape(message)}"):
        VOCABULARY.resolve(label, context)


def test_no_synonym_names_two_targets_in_one_context():
    """A folded label stands once in a context; so does the name of a scanner."""
    for table, name in ((LABELS, "label"), (SCANNERS, "name")):
        keys = [(fold(row[name]), row["context"]) for row in table]
        assert len(keys) == len(set(keys)) > 100


def test_synonyms_name_targets():
    """Every slug of every row is a target, every row has a source, and contexts are spelt like recipe ids."""
    assert {slug for row in LABELS for slug in row["target"].split("+")} <= VOCABULARY.targets.keys()
    assert all(row["source"] for row in LABELS + SCANNERS)
    assert {row["context"] for row in LABELS if not re.fullmatch(r"[a-z0-9.]*(-[a-z0-9.]+)*", row["context"])} == set()


def test_no_synonym_is_idle():
    """Every row changes what its label resolves to: without it, the label means nothing, or something else."""
    meanings = dict(Synonyms.load().meanings)
    synonyms = Synonyms(meanings)
    for row in LABELS:
        word = fold(row["label"])
        complete = meanings[word]
        meanings[word] = {context: slugs for context, slugs in complete.items() if context != row["context"]}
        without = synonyms.find(VOCABULARY.targets, word, row["context"] or None)
        meanings[word] = complete
        assert without != tuple(row["target"].split("+")), row


def test_every_slug_resolves_to_itself():
    """No row hides a target: without a context a slug means itself."""
    assert [slug for slug in VOCABULARY.targets if VOCABULARY.resolve(slug) != (slug,)] == []


def test_every_name_resolves_to_its_target():
    """A target's name means it, with or without what stands in parentheses."""
    find = Synonyms.load().find
    names = {target.name: (slug,) for slug, target in VOCABULARY.targets.items()}
    assert {
        name for name, slugs in names.items() if find(VOCABULARY.targets, re.sub(r"\(.*?\)", "", name)) != slugs
    } == set()


@pytest.mark.parametrize(
    ("name", "context", "meaning"),
    [
        ("mr_t1ce", None, ("MR", "T1c")),
        ("MR T2 SPIR", None, ("MR", "T2-FS")),
        ("ct_00", None, ("CT", None)),
        ("x_ray", None, ("XR", None)),
        ("OP", "dicom", ("fundus", None)),
    ],
)
def test_names_of_scanners_mean_modality_and_sequence(name, context, meaning):
    """A name says the modality, and the sequence where it names one."""
    assert ModalitySynonyms.load().resolve(name, context) == meaning


def test_an_unknown_scanner_is_refused():
    """A name that is not known names the nearest; a code of DICOM needs to be called one."""
    with pytest.raises(UnknownNameError, match="unknown modality name `mr t1x`; did you mean `mr t1"):
        ModalitySynonyms.load().resolve("mr_t1x")
    with pytest.raises(UnknownNameError, match=r"`OP` depends on its dataset; give one of these contexts: dicom"):
        ModalitySynonyms.load().resolve("OP")


def test_modality_synonyms_name_modalities_and_sequences():
    """Every row names a modality and one of its sequences, or none."""
    for row in SCANNERS:
        assert VOCABULARY.modality(row["modality"])
        assert not row["sequence"] or VOCABULARY.sequence(row["sequence"], row["modality"])


def test_synonyms_are_read_only_when_asked_for():
    """Loading the vocabulary does not read the synonyms."""
    code = (
        "import io, pathlib; opened = []; was = pathlib.Path.open\n"
        "pathlib.Path.open = lambda path, *a, **k: (opened.append(path.name), was(path, *a, **k))[1]\n"
        "from curate.vocabulary import Vocabulary; Vocabulary.load(); opened.append('resolve')\n"
        "Vocabulary.load().resolve('liver'); print([n for n in opened if n.endswith('.csv') or n == 'resolve'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['targets.csv', 'modalities.csv', 'resolve', 'synonyms.csv', 'targets.csv']"
