"""Label maps for many targets: any family of nested masks can be read back, and nothing else is accepted."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.errors import UsageError
from curate.exporters.content import StoredMask
from curate.exporters.nesting import assign, observe
from curate.labelmap import BoxMask


class Maps:
    """Masks by target, as `LabelMaps` would read them from files."""

    def __init__(self, masks: dict[str, np.ndarray]) -> None:
        self.masks = {target: BoxMask.of(mask) for target, mask in masks.items()}
        self.read = 0

    def mask(self, mask: StoredMask) -> BoxMask:
        """Return a mask, and count that it was asked for."""
        self.read += 1
        return self.masks[mask.target]

    def stored(self) -> list[StoredMask]:
        """Return the masks, each in a label map of its own, so that voxels decide."""
        return [StoredMask(name, name, "", name, (1,), one.box, one.count) for name, one in self.masks.items()]


def looked_at(case: str, masks: dict[str, np.ndarray]):
    """Return what `observe` finds in one case."""
    maps = Maps(masks)
    return observe(case, maps.stored(), maps)


def line(*spans: tuple[int, int], length: int = 24) -> np.ndarray:
    """Return a mask on a line of voxels."""
    mask = np.zeros((length, 1, 1), dtype=bool)
    for low, high in spans:
        mask[low:high] = True
    return mask


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 8), st.integers(1, 4))
def test_any_nested_family_is_read_back(seed, count, cases):
    """Writing each target's own value, outermost first, and reading the unions of values gives every mask again."""
    rng = np.random.default_rng(seed)
    parents = [rng.integers(-1, n) if n else -1 for n in range(count)]
    families = [_family(rng, parents) for _ in range(cases)]
    values = assign([f"t{n}" for n in range(count)], [looked_at(f"case{n}", one) for n, one in enumerate(families)])
    assert sorted(values.own.values()) == list(range(1, count + 1))
    for family in families:
        labels = np.zeros((64, 1, 1), dtype=np.uint8)
        for target, value in values.own.items():
            if target in family:
                labels[family[target]] = value
        for target in values.own:
            expected = family.get(target, np.zeros_like(labels, dtype=bool))
            np.testing.assert_array_equal(np.isin(labels, values.regions[target]), expected)


def _family(rng: np.random.Generator, parents: list[int]) -> dict[str, np.ndarray]:
    """Return nested spans: a child takes a strict part of what its parent has left; some whole branches are absent."""
    free = {-1: list(range(64))}
    family = {}
    for number, parent in enumerate(parents):
        room = free.get(parent, [])
        if len(room) < 2 or rng.random() < 0.2:
            continue
        own = room[: int(rng.integers(1, len(room)))]
        free[parent] = room[len(own) :]
        free[number] = own[:-1]
        family[f"t{number}"] = np.isin(np.arange(64), own).reshape(64, 1, 1)
    return family


def test_the_outer_target_becomes_a_region():
    """A tumour in a kidney beside a liver: the kidney is its own value and the tumour's."""
    masks = {"kidney": line((0, 10)), "tumour": line((2, 5)), "liver": line((12, 20))}
    values = assign(masks, [looked_at("x", masks)])
    assert values.own == {"kidney": 1, "tumour": 2, "liver": 3}
    assert values.regions == {"kidney": (1, 2), "tumour": (2,), "liver": (3,)}
    assert values.nested


def test_disjoint_targets_have_one_value_each():
    """Where nothing is nested there are no regions."""
    masks = {"b": line((0, 3)), "a": line((5, 9))}
    values = assign(masks, [looked_at("x", masks)])
    assert values.own == {"a": 1, "b": 2}
    assert not values.nested


def test_partial_overlap_is_refused_with_the_pair():
    """Two targets of which neither holds the other cannot stand in one label map."""
    with pytest.raises(UsageError, match=r"`liver` and `stomach` overlap in x, and neither holds the other.*--targets"):
        looked_at("x", {"stomach": line((5, 12)), "liver": line((0, 8))})


def test_nested_here_and_disjoint_there_is_refused():
    """If a tumour lies in the kidney in one case and beside it in another, its value cannot mean both."""
    inside = {"kidney": line((0, 10)), "tumour": line((2, 5))}
    beside = {"kidney": line((0, 10)), "tumour": line((12, 15))}
    with pytest.raises(UsageError, match="`kidney` and `tumour` are nested in other cases, but not in second"):
        assign(inside, [looked_at("first", inside), looked_at("second", beside)])


def test_the_inner_target_without_the_outer_one_is_refused():
    """A tumour without its kidney would be read back as a kidney too."""
    inside = {"kidney": line((0, 10)), "tumour": line((2, 5))}
    with pytest.raises(UsageError, match="`kidney` and `tumour` are nested in other cases, but not in second"):
        assign(inside, [looked_at("first", inside), looked_at("second", {"tumour": line((2, 5))})])


def test_nested_both_ways_is_refused():
    """What holds the other must be the same target in every case."""
    first = {"a": line((0, 10)), "b": line((2, 5))}
    second = {"b": line((0, 10)), "a": line((2, 5))}
    with pytest.raises(UsageError, match="`a` and `b` hold each other, now this way and now that"):
        assign(first, [looked_at("first", first), looked_at("second", second)])


def test_equal_masks_agree_with_any_order():
    """A kidney that is all tumour in one case still holds the tumour, as in the others."""
    usual = {"kidney": line((0, 10)), "tumour": line((2, 5))}
    equal = {"kidney": line((0, 10)), "tumour": line((0, 10))}
    for cases in ([usual, equal], [equal, usual]):
        values = assign(usual, [looked_at(f"case{n}", one) for n, one in enumerate(cases)])
        assert values.regions == {"kidney": (1, 2), "tumour": (2,)}


def test_nesting_through_a_third_target_counts():
    """From a in b and b in c, seen in different cases, follows a in c; a case that contradicts it is refused."""
    first = {"c": line((0, 20)), "b": line((0, 10))}
    second = {"c": line((0, 20)), "b": line((0, 10)), "a": line((0, 5))}
    third = {"c": line((0, 10)), "b": line((0, 10)), "a": line((12, 14))}
    values = assign("abc", [looked_at("first", first), looked_at("second", second)])
    assert values.regions == {"c": (1, 2, 3), "b": (2, 3), "a": (3,)}
    with pytest.raises(UsageError, match="but not in third"):
        assign("abc", [looked_at("second", second), looked_at("third", third)])


def test_values_of_one_label_map_decide_without_reading_it():
    """Inside one label map the table says which masks are nested, so no voxel is read."""
    box = (0, 0, 0, 4, 4, 4)
    masks = [
        StoredMask("m1", "kidney", "", "labels.nii.gz", (1, 2), box, 30),
        StoredMask("m2", "tumour", "", "labels.nii.gz", (2,), box, 10),
        StoredMask("m3", "liver", "", "labels.nii.gz", (3,), box, 20),
    ]
    maps = Maps({})
    found = observe("x", masks, maps)
    assert found.nesting == {("kidney", "tumour"): "holds"}
    assert maps.read == 0


def test_every_pair_of_spans_is_judged_as_sets_are():
    """For all pairs of spans on a short line, the verdict is that of set inclusion."""
    spans = [(low, high) for low, high in product(range(6), repeat=2) if low < high]
    for one, two in product(spans, repeat=2):
        first, second = set(range(*one)), set(range(*two))
        masks = {"a": line(one), "b": line(two)}
        if first & second and not (first <= second or second <= first):
            with pytest.raises(UsageError, match="overlap"):
                looked_at("x", masks)
            continue
        nesting = looked_at("x", masks).nesting
        assert (("a", "b") in nesting) == (second <= first)
        assert (("b", "a") in nesting) == (first <= second)
