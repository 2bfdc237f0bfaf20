"""Nearness of targets by the relations of the shipped vocabulary."""

import pytest

from bench.transfer.nearest import nearest_seen


@pytest.mark.parametrize(
    ("target", "seen", "nearest", "relation"),
    [
        ("kidney_left", {"kidney_right", "liver"}, "kidney_right", "its other side"),
        ("kidney", {"kidney_left", "liver"}, "kidney_left", "its other side"),
        ("rib_4_left", {"ribs_left", "rib_3_left"}, "ribs_left", "the whole of it"),
        ("ribs", {"rib_3_left", "liver"}, "rib_3_left", "a part of it"),
        ("rib_4_left", {"rib_3_left", "femur_left"}, "rib_3_left", "of the same whole and kind"),
        ("kidney_cyst", {"kidney_tumor", "kidney", "liver_tumor"}, "kidney_tumor", "of the same whole and kind"),
        ("liver_tumor", {"liver", "kidney_tumor"}, "liver", "what it lies in"),
        ("liver", {"liver_tumor"}, "liver_tumor", "what lies in it"),
        ("liver_tumor", {"kidney_tumor", "kidney"}, "kidney_tumor", "of the same group and kind"),
    ],
)
def test_relations(target, seen, nearest, relation):
    """An earlier relation wins over a later one, and is named."""
    found = nearest_seen(target, seen, set())
    assert (found.target, found.relation) == (nearest, relation)


def test_nothing_related():
    """A target without any relation to what was seen has no nearest one."""
    assert nearest_seen("optic_disc", {"kidney"}, set()) is None


def test_ties_prefer_the_evaluated():
    """Of two relatives that are equally near, the one with scores is taken, else the first of the alphabet."""
    seen = {"rib_3_left", "rib_5_left"}
    assert nearest_seen("rib_4_left", seen, {"rib_5_left"}).target == "rib_5_left"
    assert nearest_seen("rib_4_left", seen, set()).target == "rib_3_left"


def test_itself_is_no_relative():
    """A target is never its own nearest one, and words outside the vocabulary are passed over."""
    assert nearest_seen("liver", {"liver", "no_such_target"}, set()) is None
    assert nearest_seen("no_such_target", {"liver"}, set()) is None
