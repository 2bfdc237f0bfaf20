import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from curate.recipe import LabelFiles, Values
from curate.recipe.values import HIGHEST, LOWEST, check_disjoint

INTEGERS = st.integers(LOWEST, HIGHEST)
RANGES = st.tuples(INTEGERS, INTEGERS).map(lambda ends: Values(min(ends), max(ends)))
COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: Values(number, number, is_colour=True))


@given(RANGES | COLOURS)
def test_values_are_read_as_they_are_written(values):
    """Law: writing a range or a colour and reading it gives the same, open ends included."""
    if (values.low, values.high) != (LOWEST, HIGHEST):  # which is every value, and has no name
        assert Values.parse(str(values)) == values


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        (7, 7, 7),
        ("7", 7, 7),
        (" -3 ", -3, -3),
        ("1..24", 1, 24),
        ("-5..-2", -5, -2),
        ("-1..1", -1, 1),
        ("600..", 600, HIGHEST),
        ("..-1", LOWEST, -1),
        ("2221", 2221, 2221),
        ("#ff0000", 0xFF0000, 0xFF0000),
        ("#00FF0a", 0x00FF0A, 0x00FF0A),
    ],
)
def test_both_ends_belong_to_a_range(text, low, high):
    """Integers, ranges with and without ends, and colours mean what they say, ends included."""
    values = Values.parse(text)
    assert (values.low, values.high) == (low, high)
    assert low in values
    assert high in values
    assert low - 1 not in values
    assert high + 1 not in values


@pytest.mark.parametrize(
    "text",
    ["", "..", "one", "1.5", "1...3", "1-3", "5..3", "1..2..3", "#ff00", "#gg0000", "ff0000", "3000000000", True],
)
def test_what_is_no_value_is_refused_in_one_line(text):
    """Everything else is refused with what was found, in one line."""
    with pytest.raises(
        ValueError, match=r"write an integer, a range such as 1\.\.24, or #rrggbb|is no range of"
    ) as caught:
        Values.parse(text)
    assert f"`{text}`" in str(caught.value)
    assert "\n" not in str(caught.value)


@given(RANGES, RANGES, INTEGERS)
def test_ranges_overlap_where_they_share_a_value(one, other, value):
    """Law: two ranges overlap, in either order, exactly if the larger low end lies in both."""
    shared = max(one.low, other.low)
    assert one.overlaps(other) == other.overlaps(one) == (shared in one and shared in other)
    assert not (value in one and value in other) or one.overlaps(other)


def test_values_of_two_targets_must_not_overlap():
    """Ranges may overlap if they name one target; two targets that share a value are refused with both ranges."""
    check_disjoint([(Values(1, 9), "liver"), (Values(5, 12), "liver"), (Values(13, 13), "spleen")])
    with pytest.raises(ValueError, match=r"values 1\.\.9 and 9 overlap and name liver and spleen"):
        check_disjoint([(Values(1, 9), "liver"), (Values(9, 9), "spleen")])


class Holder(BaseModel):
    one: Values
    many: dict[Values, str]


def test_values_survive_json():
    """As a field and as a key, values come back from JSON as they were."""
    holder = Holder(one="3..", many={"#0000ff": "a", "-2": "b", "..-4": "c", 7: "d"})
    text = holder.model_dump_json()
    assert '"#0000ff":"a","-2":"b","..-4":"c","7":"d"' in text
    assert Holder.model_validate_json(text) == holder


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"values": {"-1..1": "liver"}}, r"value -1\.\.1 is background and cannot be a target"),
        ({"values": {"#000000": "liver"}}, "value #000000 is background and cannot be a target"),
        ({"values": {"..5": "liver"}}, r"value \.\.5 is background and cannot be a target"),
        ({"values": {"1..5": "liver", "4": "spleen"}}, r"values 1\.\.5 and 4 overlap and name liver and spleen"),
        (
            {"values": {"1..5": "liver"}, "ignore_values": ["5..7"]},
            r"value 1\.\.5 stands in `ignore_values` and names a",
        ),
        ({"values": {1: "liver"}, "composites": {"kidney": ["..3"]}}, "composite `kidney` needs values, and 0 is"),
        ({"values": {"#ff0000": "liver", 3: "spleen"}}, "colours and numbers cannot stand in one label map; write all"),
        ({"values": {3: "liver"}, "ignore_values": ["#ff0000"]}, "colours and numbers cannot stand in one label map"),
        ({"target": "liver", "composites": {"kidney": [1]}}, "`composites` and `ignore_values` go with `values`"),
    ],
)
def test_values_that_contradict_each_other_are_refused(keys, message):
    """A label entry whose values cannot all be meant says which ones."""
    with pytest.raises(ValueError, match=message):
        LabelFiles(path="{case}.nii", **keys)


def test_a_composite_replaces_the_value_of_its_name():
    """A target that is a value and a union is the union; its values may stand in others, too."""
    entry = LabelFiles(
        path="{case}.nii",
        values={1: "kidney", "2..3": "lesion"},
        composites={"kidney": [1, "2..3"]},
        ignore_values=[9],
    )
    assert entry.source_values() == {"kidney": (Values(1, 1), Values(2, 3)), "lesion": (Values(2, 3),)}
    assert entry.targets() == ["kidney", "lesion"]
    assert not entry.has_colours


@pytest.mark.parametrize(
    ("label", "target"),
    [("liver", "liver"), ("liver_2", "spleen"), ("LIVER", None), ("rib_3", "ribs"), ("rib_33", None), ("rib[3]", None)],
)
def test_a_whole_name_goes_before_patterns_and_these_in_order(label, target):
    """`{label}` is looked up as it is, then by `*` and `?`; letters keep their case."""
    names = {"liver*": "spleen", "liver": "liver", "liver_?": "kidney", "rib_?": "ribs"}
    assert LabelFiles(path="{case}/{label}.nii", names=names).named_target(label) == target
