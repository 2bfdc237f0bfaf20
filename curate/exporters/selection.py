"""Which part of a store is exported: patterns on datasets, targets, modalities and splits."""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from curate import manifest
from curate.errors import UsageError
from curate.plugins import nearest

_NOT = "!"


@dataclass(frozen=True, slots=True)
class Selection:
    """Shell patterns (`*`, `?`, `[...]`), and `!pattern` for what to leave out.

    Chosen is what any pattern matches, or everything where there is none, less what a `!pattern` matches.
    """

    datasets: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    """A target, or `target/rater` where a store holds several masks of a target on one image."""
    modalities: tuple[str, ...] = ()
    """A modality (`MR`), or `modality/sequence` (`MR/FLAIR`)."""
    splits: tuple[str, ...] = ()
    """`train`, `val` or `test`."""

    def takes_dataset(self, dataset: str) -> bool:
        """Tell whether images of this dataset are chosen."""
        return _any(self.datasets, dataset)

    def takes_split(self, split: str) -> bool:
        """Tell whether images of this split are chosen."""
        return _any(self.splits, split)

    def takes_image(self, modality: str, sequence: str | None) -> bool:
        """Tell whether images of this kind are chosen."""
        return _any(self.modalities, modality, f"{modality}/{sequence}" if sequence else "")

    def takes_mask(self, target: str, variant: str = "") -> bool:
        """Tell whether masks of this target (of this rater or instance) are chosen."""
        return _any(self.targets, target, f"{target}/{variant}" if variant else "")


EVERYTHING = Selection()


def check(selection: Selection, store: Path) -> None:
    """Refuse a pattern that matches nothing in the store: it is a slip, and silence would hide it.

    Raises:
        UsageError: With the option, the pattern and the word that was probably meant.
    """
    images = manifest.read_table(store, "images", columns=["dataset", "modality", "sequence"]).to_pylist()
    masks = manifest.read_table(store, "masks", columns=["mask_id", "image_id", "target"]).to_pylist()
    modalities = {row["modality"] for row in images}
    sequences = {f"{row['modality']}/{row['sequence']}" for row in images if row["sequence"]}
    targets = {row["target"] for row in masks}
    variants = {f"{row['target']}/{variant}" for row in masks if (variant := variant_of(row))}
    _check("datasets", selection.datasets, {row["dataset"] for row in images})
    _check("targets", selection.targets, targets | variants)
    _check("modalities", selection.modalities, modalities | sequences)
    _check("splits", selection.splits, {"train", "val", "test"})


def variant_of(row: dict[str, str]) -> str:
    """Return the rater or instance in a mask_id, `<image_id>#<target>[/<variant>]`; empty where there is none."""
    return row["mask_id"].removeprefix(f"{row['image_id']}#{row['target']}").removeprefix("/")


def _any(patterns: Iterable[str], *words: str) -> bool:
    patterns = tuple(patterns)
    wanted = [pattern for pattern in patterns if not pattern.startswith(_NOT)]
    unwanted = [pattern.removeprefix(_NOT) for pattern in patterns if pattern.startswith(_NOT)]
    chosen = not wanted or any(fnmatchcase(word, pattern) for pattern in wanted for word in words)
    return chosen and not any(fnmatchcase(word, pattern) for pattern in unwanted for word in words)


def _check(option: str, patterns: Iterable[str], known: Iterable[str]) -> None:
    words = sorted(known)
    for pattern in patterns:
        plain = pattern.removeprefix(_NOT)
        if not any(fnmatchcase(word, plain) for word in words):
            some = ", ".join(words[:8]) + (", ..." if len(words) > 8 else "")
            raise UsageError(
                f"--{option} {pattern}: nothing in the store matches{nearest(plain, words)}; it has {some or 'none'}"
            )
