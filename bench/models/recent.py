"""A bounded memory of what was computed last."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """Keep the values of the keys used last.

    `functools.lru_cache` on a method would keep its session, and the image behind it, in a reference cycle.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K, make: Callable[[], V]) -> V:
        """Return the value of `key`, made now if it is not remembered; forget the one unused for longest."""
        if key in self._values:
            self._values.move_to_end(key)
            return self._values[key]
        value = self._values[key] = make()
        while len(self._values) > self._size:
            self._values.popitem(last=False)
        return value

    def __len__(self) -> int:
        """Return how many values are remembered."""
        return len(self._values)
