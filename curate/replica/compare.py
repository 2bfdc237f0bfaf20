"""Builds a tiny tree by its recipe, and lists where the store differs from what was put into the tree."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from curate import manifest, pipeline, profile, volume
from curate.errors import ConfigError
from curate.executor import Where
from curate.labelmap import extract
from curate.recipe import Recipe
from curate.recipe.dataset import Expect
from curate.replica.tree import Tree, write

_MANY = 6
Rows = list[dict[str, Any]]


def differences(recipe: Recipe, folder: Path) -> list[str]:
    """Make the replica of a recipe, build it with the profile `native`, and compare.

    Args:
        recipe: With a `[replica]`.
        folder: Empty; gets the tree (`raw`, and a folder per further root) and the `store`.

    Returns:
        One sentence per difference; none for a recipe that finds what is there.

    Raises:
        ConfigError: For a recipe without a replica, or one that cannot be made.
    """
    if recipe.replica is None:
        raise ConfigError(f"recipe `{recipe.dataset.id}` has no [replica]; docs/recipes.md shows how to describe one")
    tree = write(recipe.replica, folder)
    roots = {name: folder / name for name in recipe.roots}
    source = pipeline.Source(recipe.model_copy(update={"expect": Expect()}), folder / "raw", roots)
    pipeline.build([source], folder / "store", profile.load("native"), Where(workers=1))
    prefix = f"{recipe.dataset.id}/"
    tables = {
        name: manifest.read_table(folder / "store", name).to_pylist()
        for name in ("images", "masks", "rejections", "splits")
    }
    return [
        *_images(tree, {row["image_id"].removeprefix(prefix): row for row in tables["images"]}),
        *_masks(tree, {row["mask_id"].removeprefix(prefix): row for row in tables["masks"]}, folder / "store"),
        *_rejections(tree, recipe.replica.rejections, tables["rejections"]),
        *_splits(tree, {row["image_id"].removeprefix(prefix): row["split"] for row in tables["splits"]}),
    ]


def _images(tree: Tree, rows: Mapping[str, dict[str, Any]]) -> Iterator[str]:
    yield from _unequal("images", set(tree.images), set(rows))
    for name, file in tree.images.items():
        for column in ("modality", "sequence"):
            wanted = getattr(file, column)
            if name in rows and wanted is not None and rows[name][column] != wanted:
                yield f"image {name}: {column} is {rows[name][column]}, and not {wanted}"


def _masks(tree: Tree, rows: Mapping[str, dict[str, Any]], store: Path) -> Iterator[str]:
    yield from _unequal("masks", set(tree.masks), set(rows))
    maps: dict[str, Any] = {}
    for name in sorted(tree.masks.keys() & rows.keys()):
        row, wanted = rows[name], tree.masks[name]
        if row["path"] not in maps:
            maps[row["path"]] = volume.read(store / row["path"]).voxels
        found = extract(maps[row["path"]], row["label_values"]).full()
        if found.shape != wanted.shape:
            yield f"mask {name}: on a grid of {found.shape} voxels, and not {wanted.shape}"
        elif not np.array_equal(found, wanted):
            yield f"mask {name}: {np.sum(found & ~wanted)} voxels too many, {np.sum(wanted & ~found)} missing"


def _rejections(tree: Tree, others: Mapping[str, int], rows: Rows) -> Iterator[str]:
    found = Counter(row["code"] for row in rows)
    wanted = Counter(code for code, _ in tree.rejected) + Counter(others)
    for code in sorted(found.keys() | wanted.keys()):
        if found[code] != wanted[code]:
            about = sorted(
                f"{row['target'] or ''} {row['source_path'] or ''}: {row['detail']}".strip()
                for row in rows
                if row["code"] == code
            )
            yield f"rejections {code}: {found[code]}, and not {wanted[code]} ({'; '.join(about[:_MANY])})"
    about_files = {(row["code"], row["source_path"]) for row in rows}
    for code, path in tree.rejected:
        if (code, path) not in about_files:
            yield f"rejections {code}: none is about {path}"


def _splits(tree: Tree, rows: Mapping[str, str]) -> Iterator[str]:
    for name, file in tree.images.items():
        if file.split is not None and rows.get(name) != file.split:
            yield f"image {name}: in the split {rows.get(name)}, and not {file.split}"


def _unequal(what: str, wanted: set[str], found: set[str]) -> Iterator[str]:
    for problem, names in (("missing", wanted - found), ("not put there", found - wanted)):
        if names:
            some = ", ".join(sorted(names)[:_MANY])
            yield f"{len(names)} {what} {problem}: {some}{', ...' if len(names) > _MANY else ''}"
