"""The values of a label map, as a recipe writes them: `7`, `-3`, `1..24`, `600..`, or a colour such as `#ff0000`."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

_RANGE = re.compile(r"(-?\d+)?\.\.(-?\d+)?")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
LOWEST, HIGHEST = -(2**31), 2**31 - 1
"""Labels are 32-bit integers."""


@dataclass(frozen=True, slots=True, order=True)
class Values:
    """An inclusive range of label values; one value is a range of one."""

    low: int
    high: int
    is_colour: bool = False
    """True for one colour, which is the number 0xRRGGBB."""

    @classmethod
    def parse(cls, text: object) -> "Values":
        """Read what a recipe says.

        Raises:
            ValueError: For anything else than an integer, a range `a..b` or a colour `#rrggbb`.
        """
        if isinstance(text, cls):
            return text
        word = str(text).strip()
        if _COLOUR.fullmatch(word):
            number = int(word[1:], 16)
            return cls(number, number, is_colour=True)
        found = _RANGE.fullmatch(word)
        if found and word != "..":
            low, high = found.groups()
            values = cls(int(low) if low else LOWEST, int(high) if high else HIGHEST)
        elif re.fullmatch(r"-?\d+", word):
            values = cls(int(word), int(word))
        else:
            raise ValueError(f"`{word}` is no label value; write an integer, a range such as 1..24, or #rrggbb")
        if not LOWEST <= values.low <= values.high <= HIGHEST:
            raise ValueError(f"`{word}` is no range of 32-bit integers from low to high")
        return values

    def __contains__(self, value: int) -> bool:
        """Tell whether a label value is in the range."""
        return self.low <= value <= self.high

    def among(self, ascending: Sequence[int]) -> Sequence[int]:
        """Return those of some values, in ascending order, that are in the range."""
        return ascending[bisect_left(ascending, self.low) : bisect_right(ascending, self.high)]

    def __str__(self) -> str:
        """Write it as a recipe does."""
        if self.is_colour:
            return f"#{self.low:06x}"
        if self.low == self.high:
            return str(self.low)
        return f"{'' if self.low == LOWEST else self.low}..{'' if self.high == HIGHEST else self.high}"

    def overlaps(self, other: "Values") -> bool:
        """Tell whether two ranges share a value."""
        return self.low <= other.high and other.low <= self.high

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Let pydantic read and write values as the recipe does."""
        return core_schema.no_info_plain_validator_function(
            cls.parse, serialization=core_schema.plain_serializer_function_ser_schema(str)
        )


def check_disjoint(targets: Iterable[tuple[Values, str]]) -> None:
    """Refuse values that name two targets.

    Raises:
        ValueError: With the two that overlap.
    """
    for (first, one), (second, other) in combinations(targets, 2):
        if first.overlaps(second) and one != other:
            raise ValueError(f"values {first} and {second} overlap and name {one} and {other}")
