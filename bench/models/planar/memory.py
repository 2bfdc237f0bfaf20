"""A memory of what was computed last, bounded in bytes."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Memory(Generic[K, V]):
    """Keep the values used last, as many as fit; `bench.models.recent` counts values instead of bytes."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._values: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self.held_bytes = 0

    def get(self, key: K) -> V | None:
        """Return a value, which counts as its use, or None where it is not remembered."""
        if key not in self._values:
            return None
        self._values.move_to_end(key)
        return self._values[key][0]

    def put(self, key: K, value: V, size_bytes: int) -> None:
        """Remember a value, and forget those unused for longest; one larger than the limit is not kept."""
        if key in self._values:
            self.held_bytes -= self._values.pop(key)[1]
        self._values[key] = value, size_bytes
        self.held_bytes += size_bytes
        while self.held_bytes > self._limit:
            self.held_bytes -= self._values.popitem(last=False)[1][1]

    def __contains__(self, key: K) -> bool:
        """Tell whether a value is remembered; does not count as its use."""
        return key in self._values
