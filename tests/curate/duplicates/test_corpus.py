"""Copies of real images put through every change, and different real images that must not match."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from curate import readers
from curate.duplicates.content import Content, content_of
from curate.duplicates.evidence import Evidence, compare
from curate.duplicates.find import WORTH_READING
from curate.duplicates.search import candidates

pytestmark = pytest.mark.shared

FEW = (
    "udacity-hippocampus/data/TrainingSet/images/hippocampus_001.nii.gz",
    "pyradiomics-nrrd/data/brain1_image.nrrd",
    "sam-med2d-demo/data_demo/images/amos_0507_31.png",
)
MORE = (
    *(f"udacity-hippocampus/data/TrainingSet/images/hippocampus_{n}.nii.gz" for n in ("053", "243")),
    *(f"ibsi-sts/ibsi_validation/nifti/STS_012/{name}_image.nii.gz" for name in ("CT", "PET", "MR_T1")),
    *(f"totalseg-ref/tests/reference_files/example_{name}_sm.nii.gz" for name in ("ct", "mr")),
    "sct-testing/t1/t1w.nii.gz",
    "sct-testing/t2s/t2s_uncropped.nii.gz",
    "tractseg-4d/tests/reference_files/FA.nii.gz",
    "sam-med2d-demo/data_demo/images/s0114_111.png",
    "hc18-fetal-us/training_set/003_HC.png",
    "lungseg-cxr/Demo/Data/2.jpg",
    "unet-isbi-em/data/membrane/train/image/7.png",
    "fundus-drive-chase/DRIVE/test/images/03_test.tif",
    "fundus-drive-chase/CHASEDB1/Image_01L.jpg",
)
HIPPOCAMPI = "udacity-hippocampus/data/TrainingSet/images/*.nii.gz"
BRAINS = "deepmedic-brats15/**/*_subtrMeanDivStd.nii.gz"
OTHER_VOLUMES = (
    "ibsi-sts/**/*_image.nii.gz",
    "totalseg-ref/tests/reference_files/example_*_sm.nii.gz",
    "pyradiomics-nrrd/data/brain*_image.nrrd",
)
PICTURES = (
    "sam-med2d-demo/**/images/*.png",
    "biomedparse-demo/**/demo/*.png",
    "hc18-fetal-us/training_set/*HC.png",
    "lungseg-cxr/**/*.jpg",
    "unet-isbi-em/**/image/*.png",
    "fundus-drive-chase/DRIVE/test/images/*",
    "fundus-drive-chase/CHASEDB1/*.jpg",
)


def opened(path: Path) -> Content:
    """Read a source image as a store would hold it."""
    return content_of(readers.read(path).canonical().grey(), path.name)


def matched(images: Sequence[Content], worth: float) -> Iterator[tuple[int, int, Evidence]]:
    """Yield every pair whose fingerprints agree at least as well as `worth`, with what their voxels say."""
    small = [image.fingerprint() for image in images]
    for hit in candidates(small):
        found = []
        for a, b, turns in (
            (hit.first, hit.second, hit.turns),
            (hit.second, hit.first, [turn.inverse for turn in hit.turns]),
        ):
            found += [(compare(small[a], small[b], turn), a, b) for turn in turns]
        best, a, b = max(found, key=lambda one: one[0].similarity)
        if best.similarity >= worth:
            yield hit.first, hit.second, compare(images[a], images[b], best.turn)


@pytest.mark.parametrize("path", [*FEW, *(pytest.param(path, marks=pytest.mark.slow) for path in MORE)])
def test_every_change_of_a_real_image_is_found(corpus_dir, changes, path):
    """Each of fourteen changed copies is tied to the original, with a similarity above 0.9."""
    voxels = np.asarray(readers.read(corpus_dir / path).canonical().grey(), dtype=np.float32)
    original = content_of(voxels, path)
    missed = []
    for name in [name for name in changes if voxels.shape[2] == 1 or name != "JPEG"]:
        copy = content_of(np.ascontiguousarray(changes[name][0](voxels)), name)
        found = [evidence for _, _, evidence in matched([original, copy], WORTH_READING)]
        if not (found and found[0].is_duplicate and found[0].similarity > 0.9):
            missed.append((name, found))
    assert missed == []


@pytest.mark.parametrize(
    ("patterns", "count", "most"),
    [
        pytest.param([HIPPOCAMPI], 64, 0.7, id="64 hippocampi"),
        pytest.param(PICTURES[-2:-1], 3, 0.7, id="three retinas"),
        pytest.param(PICTURES, 100, 0.7, id="pictures", marks=pytest.mark.slow),
        pytest.param([HIPPOCAMPI, BRAINS, *OTHER_VOLUMES], 84, 0.84, id="volumes", marks=pytest.mark.slow),
    ],
)
def test_different_real_images_never_match(corpus_dir, patterns, count, most):
    """Patients that look alike, and sequences or modalities of one patient, stay below the threshold of 0.86."""
    paths = sorted({path for pattern in patterns for path in corpus_dir.glob(pattern)})
    assert len(paths) == count
    found = [
        (evidence.similarity, paths[a].name, paths[b].name)
        for a, b, evidence in matched([opened(path) for path in paths], worth=WORTH_READING - 0.05)
    ]
    assert [pair for pair in found if pair[0] > most] == []


def test_two_brains_on_one_grid_are_far_apart(corpus_dir):
    """The same sequence of two patients, registered to one atlas, stays below 0.7; one patient's two do not."""
    paths = sorted(corpus_dir.glob(BRAINS))
    found = {(paths[a], paths[b]): one.similarity for a, b, one in matched([opened(path) for path in paths], worth=0)}
    patients = {path: path.parent.name for path in paths}
    across = [value for (a, b), value in found.items() if patients[a] != patients[b]]
    within = [value for (a, b), value in found.items() if patients[a] == patients[b]]
    assert max(across, default=0) < 0.7 < min(within)


def test_three_fundus_pictures_of_the_corpus_are_one(corpus_dir):
    """The corpus's copy of DRIVE carries one picture as 21, 22 and 23 of its training set."""
    paths = [corpus_dir / f"fundus-drive-chase/DRIVE/training/images/{n}_training.tif" for n in (21, 22, 23)]
    found = matched([opened(path) for path in paths], WORTH_READING)
    assert {(a, b) for a, b, evidence in found if evidence.is_duplicate} == set(combinations(range(3), 2))
