"""What is said of a pair, for changes whose numbers are known."""

from dataclasses import replace

import numpy as np
import pytest

from curate.duplicates.content import content_of
from curate.duplicates.evidence import LEAST_CORRELATION, LEAST_SIMILARITY, compare
from curate.duplicates.search import candidates

VOLUME_CHANGES = (
    "flipped",
    "turned",
    "zero padding",
    "padding by the least value",
    "a * x + b",
    "min-max to uint8",
    "finer",
    "coarser",
    "half",
    "coarser in plane",
    "noise",
    "noise on padding",
    "all at once",
)


@pytest.fixture(scope="module")
def held_against():
    """Return the function that searches two arrays and returns the evidence, or None where they are no candidates."""

    def evidence(first, second):
        contents = [content_of(np.ascontiguousarray(voxels), "a test") for voxels in (first, second)]
        small = [one.fingerprint() for one in contents]
        found = [compare(*small, turn) for hit in candidates(small) for turn in hit.turns]
        return compare(*contents, max(found, key=lambda one: one.similarity).turn) if found else None

    return evidence


@pytest.mark.parametrize("name", VOLUME_CHANGES)
def test_a_changed_volume_is_found_and_named(scan, held_against, changes, name):
    """Each change of a volume leaves a duplicate, of the kind that was done."""
    change, kind = changes[name]
    evidence = held_against(scan(1), change(scan(1)))
    assert evidence.is_duplicate
    assert evidence.kind == kind


@pytest.mark.parametrize("name", [*VOLUME_CHANGES, "JPEG"])
def test_a_changed_picture_is_found_and_named(scan, held_against, changes, name):
    """Each change of a picture leaves a duplicate, of the kind that was done."""
    change, kind = changes[name]
    picture = 100 + scan(1, (150, 130, 1)) / 20
    evidence = held_against(picture, change(picture))
    assert evidence.is_duplicate
    assert evidence.kind == kind


def test_other_scans_of_the_same_outline_are_no_duplicates(scan, held_against):
    """Five pairs of scans that share body and background have no evidence, or too little."""
    for seed in range(5):
        evidence = held_against(scan(seed), scan(seed + 100))
        assert evidence is None or not evidence.is_duplicate


def round_view(voxels, filling):
    """Return a scan seen through a round field of view, filled in outside of it."""
    voxels = voxels[4:36, 4:36].copy()
    x, y = np.mgrid[-15.5:16, -15.5:16]
    voxels[x**2 + y**2 > 16**2] = filling
    return voxels


def test_a_shared_field_of_view_is_no_evidence(scan, held_against):
    """A filling of -3024 around a round field of view ties no scans together, and another filling parts no copies."""
    evidence = held_against(round_view(scan(6), -3024), round_view(scan(7), -3024))
    assert evidence is None or not evidence.is_duplicate
    assert held_against(round_view(scan(6), -3024), round_view(scan(6), -1024)).is_duplicate


def test_the_line_between_intensities_is_found(scan, held_against):
    """For b = 2.5 a + 100 slope and offset come back, and nothing is left over."""
    evidence = held_against(scan(2), 2.5 * scan(2) + 100)
    assert (evidence.slope, evidence.offset) == pytest.approx((2.5, 100), rel=1e-3)
    assert evidence.residual == pytest.approx(0, abs=1e-5)


def test_noise_is_the_residual(scan, held_against):
    """Noise leaves a residual in proportion, smaller than itself because a cell holds two voxels."""
    voxels, noise = scan(3), np.random.default_rng(0).normal(0, 1, scan(3).shape).astype(np.float32)
    weak, strong = (held_against(voxels, voxels + level * noise) for level in (10, 20))
    assert strong.residual == pytest.approx(2 * weak.residual, rel=0.1)
    assert 0.4 < strong.residual / (20 / np.ptp(content_of(voxels, "a test").cells)) < 1


def test_the_zoom_is_the_ratio_of_the_voxels(scan, held_against, changes):
    """Resampling 40 x 44 x 36 to 24 x 26 x 36 gives zooms 0.6, 0.59 and 1 to two percent."""
    copy = changes["coarser in plane"][0](scan(4))
    assert copy.shape == (24, 26, 36)
    assert held_against(scan(4), copy).zoom_ijk == pytest.approx((24 / 40, 26 / 44, 1), rel=0.02)


def test_the_thresholds_are_both_needed(scan, held_against):
    """Evidence at its thresholds is a duplicate; below one of them it is not."""
    evidence = replace(held_against(scan(5), scan(5) * 2), similarity=LEAST_SIMILARITY, correlation=LEAST_CORRELATION)
    assert evidence.is_duplicate
    assert not replace(evidence, similarity=LEAST_SIMILARITY - 0.01).is_duplicate
    assert not replace(evidence, correlation=LEAST_CORRELATION - 0.01).is_duplicate
