from pathlib import Path

import numpy as np
import pytest

from curate.errors import ReadError
from curate.readers.header import Header
from curate.readers.part import WHOLE, Part, choose_array, one_volume

PATH = Path("folder/scan.npz")


def test_the_only_image_needs_no_name():
    """Beside one array that can be an image, texts and numbers do not count; a single array is always meant."""
    assert choose_array({"spacing": False, "image": True, "patient": False}, WHOLE, PATH) == "image"
    assert choose_array({"text": False}, WHOLE, PATH) == "text"


def test_a_name_chooses_among_all_arrays():
    """Also one that could not be an image, so that its own refusal says why."""
    assert choose_array({"image": True, "mask": True}, Part("mask"), PATH) == "mask"
    assert choose_array({"image": True, "text": False}, Part("text"), PATH) == "text"


@pytest.mark.parametrize(
    ("arrays", "part", "code", "message"),
    [
        ({"image": True, "mask": True}, WHOLE, "ambiguous_file", r"2 arrays \('image', 'mask'\); name one .* `array`"),
        ({"a": False, "b": False}, WHOLE, "ambiguous_file", r"2 arrays \('a', 'b'\); name one"),
        ({}, WHOLE, "unreadable", "holds no array"),
        ({"image": True}, Part("img"), "unreadable", r"no array 'img'; there is 'image'"),
        ({}, Part("img"), "unreadable", r"no array 'img'; there is none"),
    ],
)
def test_what_cannot_be_chosen_is_refused_with_what_is_there(arrays, part, code, message):
    """The message has the names, because the recipe needs one of them."""
    with pytest.raises(ReadError, match=rf"^scan\.npz: {message}") as caught:
        choose_array(arrays, part, PATH)
    assert caught.value.code == code


def test_names_of_unknown_origin_stay_in_one_short_line():
    """Line feeds, foreign scripts, long names and many names are spelt out or cut."""
    arrays = {f"{'x' * 300}{number}": True for number in range(99)} | {"two\nlines": True}
    with pytest.raises(ReadError, match=r"^scan\.npz: 100 arrays .*\.\.\.\)") as caught:
        choose_array(arrays, WHOLE, PATH)
    assert len(str(caught.value)) < 400
    with pytest.raises(ReadError, match=r"'two\\nlines', '\\u5c71'"):
        choose_array({"two\nlines": True, "\u5c71": True}, WHOLE, PATH)


@pytest.mark.parametrize(
    ("shape", "index", "expected"),
    [
        ((5, 6, 7, 4), 0, (5, 6, 7)),
        ((5, 6, 7, 4), 3, (5, 6, 7)),
        ((5, 6, 7, 4, 1), 3, (5, 6, 7)),
        ((5, 6, 7, 1), 0, (5, 6, 7)),
        ((5, 6, 7), 0, (5, 6, 7)),
        ((5, 6), 0, (5, 6)),
        ((5, 6, 7, 4), None, (5, 6, 7, 4)),
    ],
)
def test_a_volume_is_counted_along_the_fourth_axis(shape, index, expected):
    """What is left are the spatial axes, unchanged where nothing is chosen."""
    assert one_volume(Header(shape, np.eye(4), 1), Part(volume_index=index), PATH).shape == expected


@pytest.mark.parametrize(
    ("shape", "index", "held"),
    [
        ((5, 6, 7, 4), 4, "4 volumes"),
        ((5, 6, 7, 4), -1, "4 volumes"),
        ((5, 6, 7), 1, "1 volumes"),
        ((5, 6, 7, 1, 3), 0, "no volumes along a fourth axis"),
    ],
)
def test_a_volume_that_is_not_there_is_refused(shape, index, held):
    """The message says how many there are."""
    with pytest.raises(ReadError, match=rf"no volume with `volume_index` {index}, counted .* holds {held}$") as caught:
        one_volume(Header(shape, np.eye(4), 1), Part(volume_index=index), PATH)
    assert caught.value.code == "not_a_volume"
