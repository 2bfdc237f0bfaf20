"""From a suite's name or path to a suite whose every word is known."""

from fnmatch import fnmatchcase
from pathlib import Path

from bench.suite.choices import ProtocolChoice
from bench.suite.content import Group, Stated, Suite, datasets_named, is_pattern
from curate.errors import ConfigError, UnknownNameError, UsageError
from curate.plugins import find, load_toml, nearest
from curate.vocabulary import KINDS, Vocabulary

_SPLITS = ("train", "val", "test")
_FEW = 16
"""Up to so many known words are listed in a message."""


def load(name_or_path: str, *, frozen: bool = True) -> Suite:
    """Load a suite that ships, or one of the user's own; `SUITE@VARIANT` is a variant of it.

    Args:
        name_or_path: Its name, or the path of its file.
        frozen: Read the file of first prompts, where the suite names one; False to write that file.

    Raises:
        ConfigError: For a broken suite, one that names no known target, modality or protocol, or one whose first
            prompts are not those that it names.
        UnknownNameError: For a name, path or variant that is not there.
        UsageError: For a variant that cannot be run.
    """
    file, at, variant = name_or_path.rpartition("@")
    if not at or Path(name_or_path).is_file():
        file, at = name_or_path, ""
    path = find("suites", file)
    suite = _read(path).variant(variant) if at else _read(path)
    if frozen:
        try:
            suite.protocol.take_in(path.parent)
        except UsageError as error:
            raise ConfigError(f"{path}: {error}") from error
    return suite


def _read(path: Path) -> Suite:
    suite = load_toml(path, Suite)
    try:
        for choice in (suite.protocol, *(variant.protocol for variant in suite.variants)):
            _check_protocol(choice)
        for group in suite.groups:
            _check_group(group)
        for group, _, split in datasets_named(suite):
            _check_word(group, "split", split or "*", _SPLITS)
        _check_stated(suite.stated)
    except UsageError as error:
        raise ConfigError(f"{path}: {error}") from error
    return suite


def _check_protocol(choice: ProtocolChoice | None) -> None:
    if choice is not None:
        choice.drawing()


def _check_group(group: Group) -> None:
    vocabulary = Vocabulary.load()
    for modality in group.modalities:
        if not is_pattern(modality):
            vocabulary.modality(modality)
    for target in group.targets:
        if not is_pattern(target):
            vocabulary.target(target)
    known = {
        "target": (group.targets, vocabulary.targets),
        "modality": (group.modalities, vocabulary.sequences_of),
        "kind": (group.kinds, KINDS),
        "split": (group.splits, _SPLITS),
    }
    for what, (patterns, words) in known.items():
        for pattern in patterns:
            _check_word(group, what, pattern, tuple(words))


def _check_word(group: Group, what: str, pattern: str, words: tuple[str, ...]) -> None:
    """Refuse a pattern that no known word fits."""
    if not any(fnmatchcase(word, pattern) for word in words):
        some = f"; known: {', '.join(words)}" if len(words) <= _FEW else ""
        raise UnknownNameError(f"group `{group.name}`: unknown {what} `{pattern}`{nearest(pattern, words)}{some}")


def _check_stated(stated: Stated | None) -> None:
    if stated is not None:
        for modality in (*stated.seen_modalities, *stated.unseen_modalities):
            Vocabulary.load().modality(modality)
