"""Files that travel with medseen: recipes, suites, profiles, cards and the vocabulary."""

from functools import cache
from pathlib import Path

from curate.errors import UnknownNameError
from curate.plugins.strict import nearest

_FEW = 16
"""Up to so many names are listed in a message."""
_PACKAGE = Path(__file__).resolve().parent.parent


@cache
def shipped_folder(kind: str) -> Path:
    """Return the folder of `manifests/<kind>`: inside an installed package, or beside it in a checkout."""
    installed = _PACKAGE / "manifests"
    root = installed if installed.is_dir() else _PACKAGE.parent / "manifests"
    return root / kind


def shipped_names(kind: str) -> list[str]:
    """Return the names of all shipped TOML files of a kind, sorted."""
    return sorted(path.stem for path in shipped_folder(kind).glob("*.toml"))


def find(kind: str, name_or_path: str) -> Path:
    """Return the TOML file that a user means: a name that ships, or a path to the user's own file.

    Args:
        kind: `recipes`, `suites`, `profiles` or `cards`.
        name_or_path: Anything with a slash or ending in `.toml` is a path.

    Raises:
        UnknownNameError: When there is no such file; the message lists near names.
    """
    if name_or_path.endswith(".toml") or "/" in name_or_path:
        path = Path(name_or_path)
        if not path.is_file():
            raise UnknownNameError(f"{path}: no such file; give a path to a TOML file or one of the shipped {kind}")
        return path
    path = shipped_folder(kind) / f"{name_or_path}.toml"
    if not path.is_file():
        names = shipped_names(kind)
        some = (
            f"shipped: {', '.join(names)}"
            if len(names) <= _FEW
            else f"{len(names)} are shipped; `curate list` has them"
        )
        raise UnknownNameError(f"no {kind} named `{name_or_path}`{nearest(name_or_path, names)}; {some}")
    return path
