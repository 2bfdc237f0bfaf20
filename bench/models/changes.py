"""A model's options with some of them changed, each checked against the default in whose place it stands."""

from collections.abc import Collection, Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

from curate.errors import UsageError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Options = TypeVar("Options", bound="DataclassInstance")

_KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a word"}


def changed(defaults: Options, changes: Mapping[str, Any], model: str, *, kept: Collection[str] = ()) -> Options:
    """Return options with some of them changed.

    Args:
        defaults: A frozen dataclass; its `__post_init__` may refuse more.
        changes: New values by name.
        model: Whose options they are, for messages.
        kept: Names that cannot be changed here.

    Raises:
        UsageError: When there is no such option, or the value is of another kind than the default.
    """
    known = [field.name for field in fields(defaults) if field.name not in kept]
    for name, value in changes.items():
        if name not in known:
            raise UsageError(f"{model} has no option `{name}`; known: {', '.join(known)}")
        require_alike(name, value, getattr(defaults, name))
    return replace(defaults, **changes)


def require_alike(name: str, value: object, default: object) -> None:
    """Refuse a value that is of another kind than the default.

    Raises:
        UsageError: Names the kind that is expected.
    """
    if not _alike(value, default):
        expected = f"{len(default)} numbers" if isinstance(default, tuple) else _KINDS[type(default)]
        raise UsageError(f"{name} must be {expected}, found {value!r}")


def _alike(value: object, default: object) -> bool:
    if isinstance(default, tuple):
        return isinstance(value, tuple) and len(value) == len(default) and all(map(_alike, value, default))
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    return isinstance(value, (int, float) if isinstance(default, float) else type(default))
