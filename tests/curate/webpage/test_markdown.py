from curate.webpage.markdown import escape, grid


def test_escape_keeps_one_line():
    """A line break in a text cannot start a heading."""
    assert escape("a\n# b <i>*c*") == r"a \# b &lt;i&gt;\*c\*"


def test_a_table_has_numbers_on_the_right():
    """Titles are escaped, cells are taken as they come, and columns of numbers are marked in the ruler."""
    lines = grid(["a|b", "n"], [False, True], [["x", "1"], [r"\|", "2"]]).splitlines()
    assert lines == [r"| a\|b | n |", "| --- | ---: |", "| x | 1 |", r"| \| | 2 |"]
