"""TOML that refuses what it does not know, and says what was probably meant."""

import difflib
import tomllib
import typing
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from curate.errors import ConfigError

M = TypeVar("M", bound=BaseModel)


class StrictModel(BaseModel):
    """A frozen record read from TOML, which refuses keys that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, ignored_types=(cached_property,))


def nearest(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean `x`?` for the known word nearest to `word`, or nothing."""
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean `{found[0]}`?" if found else ""


def load_toml(path: Path, model: type[M]) -> M:
    """Read a TOML file into a pydantic model that forbids extra keys.

    Raises:
        ConfigError: One line with file, key, what was found and what was expected, for the first thing that is wrong
            (and how many more there are).
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text; is this a TOML file?") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise ConfigError(f"{path}: {_first_line(error, model)}") from error


def _first_line(error: ValidationError, model: type[BaseModel]) -> str:
    """Say in one line what is wrong first; unknown keys go first, because they are usually the cause of the rest."""
    problems = sorted(error.errors(include_url=False), key=lambda problem: problem["type"] != "extra_forbidden")
    problem = problems[0]
    where = ".".join(str(part) for part in problem["loc"]) or "the file"
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    if problem["type"] == "extra_forbidden":
        keys = _keys_at(model, problem["loc"][:-1])
        hint = nearest(str(problem["loc"][-1]), keys)
        return f"unknown key `{where}`{hint}; valid keys: {', '.join(keys)}{more}"
    if problem["type"] == "missing":
        return f"missing key `{where}`{more}"
    message = problem["msg"].removeprefix("Value error, ")
    return f"`{where}`: {message}, found {problem['input']!r:.80}{more}"


def _keys_at(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """Return the valid keys of the (nested) table at `location`."""
    models = [model]
    for part in location:
        tagged = [one for one in models if _is_tagged(one, part)]
        inner = [field for one in models for name, field in one.model_fields.items() if name == part]
        models = tagged or [nested for field in inner for nested in _models_in(field.annotation)] or models
    return list(dict.fromkeys(field.alias or name for one in models for name, field in one.model_fields.items()))


def _is_tagged(model: type[BaseModel], tag: int | str) -> bool:
    """Tell whether a model is the one of a union that `tag` chooses: a field of it takes that word alone."""
    return any(typing.get_args(field.annotation) == (tag,) for field in model.model_fields.values())


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    """Return the models inside an annotation such as `tuple[Inner, ...] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in typing.get_args(annotation) for model in _models_in(argument)]
