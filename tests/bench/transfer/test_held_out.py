"""What was held out: verdicts by the interval, and the nearest seen target with its Dice."""

import pytest

from bench.finished import patient_keys
from bench.gap import Gap, masks_at
from bench.statistics.bootstrap import stratify
from bench.transfer.held_out import FALLS, TRANSFERS, UNDECIDED, held_out, of_unknown_target, verdict


def gap_of(low, high):
    """Return a gap with such an interval."""
    return Gap(0.1, low, high, 5, 5, 5, 5, 1.0, 1)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (-0.2, 0.04, TRANSFERS),
        (0.06, 0.3, FALLS),
        (0.0, 0.1, UNDECIDED),
        (0.05, 0.3, UNDECIDED),
        (None, None, UNDECIDED),
    ],
)
def test_verdicts(low, high, expected):
    """A verdict needs the whole interval on one side of 0.05 Dice."""
    assert verdict(gap_of(low, high)) == expected


def study(finished, rows):
    """Return the masks and strata of some rows."""
    run = finished(rows)
    strata = stratify(patient_keys(run))
    return masks_at(run, 1, strata), strata


def test_targets(finished):
    """A target that keeps its Dice transfers, one that loses half does not; each names the nearest seen target."""
    rows = []
    for patient in (f"p{number}" for number in range(6)):
        for target, answer, dice in (
            ("kidney_left", "seen", 0.9),
            ("kidney_right", "unseen", 0.9),
            ("spleen", "unseen", 0.4),
        ):
            rows.append({"patient_id": patient, "target": target, "seen_target": answer, "dice": dice})
    masks, strata = study(finished, rows)
    found = {one.names[0]: one for one in held_out(masks, "seen_target", frozenset({"kidney_left", "liver"}), strata)}
    assert {name: one.verdict for name, one in found.items()} == {"kidney_right": TRANSFERS, "spleen": FALLS}
    assert (found["kidney_right"].nearest.target, found["kidney_right"].nearest_dice.value) == ("kidney_left", 0.9)
    assert found["spleen"].gap.value == pytest.approx(0.5)
    assert found["spleen"].dice.n_masks == 6


def test_nearest_that_is_not_evaluated(finished):
    """A nearest target of the card without seen masks in the run is named without a Dice."""
    masks, strata = study(finished, [{"target": "kidney_left", "seen_target": "unseen", "dice": 0.5}])
    (one,) = held_out(masks, "seen_target", frozenset({"kidney_right"}), strata)
    assert (one.nearest.target, one.nearest_dice) == ("kidney_right", None)


def test_same_target_in_a_seen_modality(finished):
    """In an unseen modality, a target stands beside itself in the modalities that were seen."""
    rows = [
        {"target": "liver", "modality": "CT", "seen_modality": "seen", "dice": 0.8},
        {"target": "liver", "modality": "US", "seen_modality": "unseen", "dice": 0.3},
        {"target": "spleen", "modality": "US", "seen_modality": "unseen", "dice": 0.2},
    ]
    masks, strata = study(finished, rows)
    liver, spleen = held_out(masks, "seen_modality", None, strata)
    assert (liver.names, liver.nearest_dice.value) == (("US", "liver"), 0.8)
    assert (spleen.names, spleen.nearest) == (("US", "spleen"), None)


def test_unknown_apart(finished):
    """Targets of unknown answer are averaged by themselves and are not held out."""
    rows = [
        {"target": "liver", "seen_target": "unknown", "dice": 0.4},
        {"target": "liver", "seen_target": "unknown", "dice": 0.6},
        {"target": "spleen", "seen_target": "seen", "dice": 0.9},
    ]
    masks, strata = study(finished, rows)
    unknown = of_unknown_target(masks, strata)
    assert {target: (figure.value, figure.n_masks) for target, figure in unknown.items()} == {"liver": (0.5, 2)}
    assert held_out(masks, "seen_target", None, strata) == ()
