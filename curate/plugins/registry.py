"""Named objects: built in by a literal table, or brought by any installed package through entry points."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from curate.errors import UnknownNameError, UsageError
from curate.plugins.strict import nearest


@dataclass(frozen=True, slots=True)
class Registry:
    """Objects of one kind by name; nothing is imported before it is asked for."""

    kind: str
    """What the objects are, for messages: `model`, `reader`, ..."""
    group: str
    """Entry-point group of third parties, such as `medseen.models`."""
    builtin: Mapping[str, str]
    """Name -> `module:object`."""

    def names(self) -> list[str]:
        """Return all names, sorted, without importing anything."""
        return sorted({*self.builtin, *(point.name for point in self._points())})

    def load(self, name: str) -> Any:
        """Import and return the object called `name`.

        Raises:
            UnknownNameError: When nothing has that name; the message lists near matches.
            UsageError: When two owners claim the name, or when the plugin cannot be imported.
        """
        points = [point for point in self._points() if point.name == name]
        owners = [*(["medseen"] if name in self.builtin else []), *(_owner(point) for point in points)]
        if len(owners) > 1:
            raise UsageError(f"{self.kind} `{name}` is claimed by {' and '.join(owners)}; uninstall one of them")
        if name in self.builtin:
            module, _, attribute = self.builtin[name].partition(":")
            return getattr(importlib.import_module(module), attribute)
        if not points:
            known = self.names()
            raise UnknownNameError(f"unknown {self.kind} `{name}`{nearest(name, known)}; known: {', '.join(known)}")
        try:
            return points[0].load()
        except Exception as error:
            raise UsageError(f"{self.kind} `{name}` of {_owner(points[0])} cannot be imported: {error}") from error

    def _points(self) -> list[EntryPoint]:
        return list(entry_points(group=self.group))


def _owner(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else point.value
