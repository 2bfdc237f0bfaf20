"""Groups of images that pairs tie together."""

from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from curate.duplicates.grouping import connected, groups

KEYS = st.integers(0, 12).map(lambda number: ("store", f"p{number:02}"))


@settings(deadline=None)
@given(st.lists(st.tuples(KEYS, KEYS)))
def test_groups_are_the_connected_components(pairs):
    """Against scipy: same components, each named by its first member."""
    found = connected(pairs)
    names = sorted({key for pair in pairs for key in pair})
    assert sorted(found) == names
    place = {name: n for n, name in enumerate(names)}
    ends = [[place[a] for a, _ in pairs], [place[b] for _, b in pairs]]
    _, labels = connected_components(coo_array(([1] * len(pairs), ends), shape=(len(names), len(names))))
    for name in names:
        assert found[name] == min(other for other in names if labels[place[other]] == labels[place[name]])


def test_rows_without_a_partner_have_no_group():
    """Only images of pairs stand in the mapping."""
    row = {"store_a": "s", "image_a": "x", "store_b": "t", "image_b": "y", "duplicate_group": 4}
    alone = {"store_a": "s", "image_a": "z", "store_b": None, "image_b": None, "duplicate_group": None}
    assert groups([row, alone]) == {("s", "x"): 4, ("t", "y"): 4}
