r"""Paths with fields, as regular expressions over the files of a source tree.

`imagesTr/{case}_0000.nii.gz` names files relative to the source root. `{case}` ties images and labels together;
`{label}` is a structure's name in one-file-per-structure layouts; `{patient}`, `{split}` and `{rater}` may stand in it
too; `{group}` becomes part of the case key, `<group>-<case>`, where names recur from folder to folder; `{case:\d+}`
narrows a field by a regular expression; `*` stands for anything within one folder, `**/` at the end for all below it.
"""

import re
from pathlib import PurePosixPath

FIELDS = ("case", "group", "patient", "split", "label", "rater")
_FIELD = re.compile(r"\{(\w+)(?::((?:[^{}]|\{[^{}]*\})+))?\}|\*")


def compile_path(path: str) -> re.Pattern[str]:
    """Turn a path with fields into a regular expression over relative POSIX paths.

    Raises:
        ValueError: For absolute paths, `..`, unknown fields and broken field expressions.
    """
    plain = PurePosixPath(_FIELD.sub("x", path))
    if plain.is_absolute() or ".." in plain.parts or "\\" in _FIELD.sub("x", path):
        raise ValueError(f"path `{path}` must be relative to the source root, with / and without ..")
    if re.search("[{}]", str(plain)):
        raise ValueError(f"path `{path}` has a brace that belongs to no field; write {{case}}, or {{case:EXPRESSION}}")
    parts: list[str] = []
    end = 0
    for match in _FIELD.finditer(path):
        parts += [re.escape(path[end : match.start()]), _group(match, path)]
        end = match.end()
    return compiled("".join([*parts, re.escape(path[end:])]))


def check_relative(path: str) -> str:
    """Return a path of one file if it stays inside its root.

    Raises:
        ValueError: When it does not.
    """
    if not path or path.startswith("/") or ".." in path.split("/") or "\\" in path:
        raise ValueError(f"`{path}` must be relative to the source root, with / and without ..")
    return path


def parts_of(path: str) -> tuple[str, bool]:
    """Split a path into what it names, and whether it means all that lies below that folder (`**/`)."""
    base = path.removesuffix("**/")
    return base, base != path


def literal(path: str) -> int:
    """Return how many characters of a path are spelt out: the most specific of several matches wins."""
    return len(_FIELD.sub("", path))


def compiled(expression: str) -> re.Pattern[str]:
    """Compile a regular expression of the recipe.

    Raises:
        ValueError: When it is none.
    """
    try:
        return re.compile(expression)
    except re.error as error:
        raise ValueError(f"`{expression}` is no regular expression: {error}") from error


def _group(match: re.Match[str], path: str) -> str:
    name, expression = match.group(1), match.group(2)
    if name is None:
        return "[^/]*"
    if name not in FIELDS:
        raise ValueError(f"path `{path}` has the unknown field {{{name}}}; fields are: {', '.join(FIELDS)}")
    if f"{{{name}" in path[: match.start()]:  # a field that stands twice must be the same text both times
        return f"(?P={name})"
    return f"(?P<{name}>{expression or '[^/]+?'})"
