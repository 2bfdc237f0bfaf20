"""The store against a second reading of the source files: nibabel, SimpleITK and Pillow, nothing of `curate`.

The recipes are read here as plain TOML; paths, values and unions are worked out anew.
"""

import itertools
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase as fnmatch
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

pytestmark = pytest.mark.shared

RECIPES = Path(__file__).parent / "recipes"
SLUGS = sorted(path.stem for path in RECIPES.glob("*.toml"))
UNUSABLE = ("no_image", "fractional_values", "image_rejected")
"""Codes of label files that say nothing of any target."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A target that one label file (or several, one per part) is to hold, by the recipe."""

    target: str
    paths: tuple[str, ...]
    """Relative to the source root."""
    values: tuple[int, ...] | None
    """Values whose union is the target; None for anything above the threshold."""
    names: tuple[str, ...] = ()
    """What stood in the file names in place of {label}."""
    instance: int | None = None
    threshold: float = 0
    is_outline: bool = False

    @property
    def key(self) -> tuple[str, str, int | None]:
        """First path, target and instance."""
        return self.paths[0], self.target, self.instance


def key_of(row: dict[str, Any]) -> tuple[str, str, int | None]:
    """Return source path, target and instance of a row of masks."""
    last = row["mask_id"].rpartition("#")[2].rpartition("/")[2]
    is_instance = last.isdigit() and row["source_label"] == last
    return row["source_path"], row["target"], int(last) if is_instance else None


def recipe_of(slug: str) -> dict[str, Any]:
    """Return a recipe as plain data."""
    return tomllib.loads((RECIPES / f"{slug}.toml").read_text(encoding="utf-8"))


@cache
def files_under(root: Path) -> list[str]:
    """Return every file under a folder, relative to it."""
    return [file.relative_to(root).as_posix() for file in root.rglob("*") if file.is_file()]


def named_by(root: Path, path: str) -> dict[str, dict[str, str]]:
    """Return the files under `root` that a recipe's path names, relative and sorted, and what its fields captured."""
    parts = re.split(r"(\{[^{}]*\}|\*)", path)
    pattern, seen = "", set()
    for part in parts:
        if part == "*":
            pattern += "[^/]*"
        elif part.startswith("{"):
            name, _, expression = part[1:-1].partition(":")
            pattern += f"(?P={name})" if name in seen else f"(?P<{name}>{expression or '[^/]+'})"
            seen.add(name)
        else:
            pattern += re.escape(part)
    found = {file: re.fullmatch(pattern, file) for file in files_under(root)}
    return {file: match.groupdict() for file, match in sorted(found.items()) if match}


def matching(root: Path, path: str) -> list[str]:
    """Return the files under `root` that a recipe's path names, relative and sorted."""
    return list(named_by(root, path))


def claims(root: Path, slug: str) -> Iterator[Claim]:
    """Yield everything that the recipe's labels are to hold."""
    recipe = recipe_of(slug)
    excluded = {entry.get("file") for entry in recipe.get("exclude", ())}
    for entry in recipe["labels"]:
        files = {path: fields for path, fields in named_by(root, entry["path"]).items() if path not in excluded}
        if "names" in entry:
            yield from claims_by_name(entry, files)
        else:
            yield from (claim for path in files for claim in claims_of_file(entry, root, path))


def claims_of_file(entry: dict[str, Any], root: Path, path: str) -> Iterator[Claim]:
    """Yield the targets of one label map, or the one target of a mask."""
    for value in np.unique(labels_of(root / path)[0]).tolist() if "instances" in entry else ():
        if value:
            yield Claim(entry["instances"], (path,), (value,), instance=value)
    for value, target in entry.get("values", {}).items():
        yield Claim(target, (path,), (int(value),))
    for target, union in entry.get("composites", {}).items():
        yield Claim(target, (path,), tuple(union))
    if "target" in entry:
        threshold, is_outline = entry.get("threshold", 0), entry.get("fill", False)
        yield Claim(entry["target"], (path,), None, threshold=threshold, is_outline=is_outline)


def claims_by_name(entry: dict[str, Any], files: dict[str, dict[str, str]]) -> Iterator[Claim]:
    """Yield the targets of files that are named after what they hold; parts of one target are one claim."""
    parts = defaultdict(list)
    for path, fields in files.items():
        fitting = [target for name, target in entry["names"].items() if fnmatch(fields["label"], name)]
        for target in fitting[:1]:
            parts[target, fields.get("case") if entry.get("merge") else path].append((path, fields["label"]))
    for (target, _), found in parts.items():
        yield Claim(target, tuple(path for path, _ in found), None, tuple(name for _, name in found))


def read(path: Path) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Return voxels, (i, j, k[, channel]), and the affine to RAS+ mm; the identity for pictures."""
    if path.suffix == ".nrrd":
        image = sitk.ReadImage(str(path))
        lps_from_ijk = np.eye(4)
        lps_from_ijk[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) @ np.diag(image.GetSpacing())
        lps_from_ijk[:3, 3] = image.GetOrigin()
        return np.transpose(sitk.GetArrayFromImage(image), (2, 1, 0)), np.diag([-1, -1, 1, 1]) @ lps_from_ijk
    if path.suffix in (".png", ".jpg", ".gif", ".tif"):
        picture = np.swapaxes(np.asarray(Image.open(path)), 0, 1)[:, :, np.newaxis]
        return picture[..., :3] if picture.ndim > 3 else picture, np.eye(4)  # without alpha
    image = nibabel.load(path)
    voxels = image.get_fdata()
    return voxels.reshape(*voxels.shape, *(1,) * (3 - voxels.ndim)), image.affine


@lru_cache(maxsize=4)
def labels_of(path: Path) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Return a label file's values, rounded, and its affine."""
    voxels, affine = read(path)
    voxels = voxels[..., 0] if voxels.ndim == 4 else voxels
    return np.rint(voxels).astype(np.int32), affine


@lru_cache(maxsize=1)
def voxels_of(root: Path, claim: Claim) -> tuple[NDArray[np.int64], NDArray[np.float64], tuple[int, ...]]:
    """Return the voxels of a target, (n, 3) in the source's own indices, with affine and shape."""
    inside, affine = None, np.eye(4)
    for path in claim.paths:
        labels, affine = labels_of(root / path)
        for part in [labels > claim.threshold] if claim.values is None else [labels == value for value in claim.values]:
            inside = part if inside is None else inside | part
    if claim.is_outline:
        outside = ndimage.label(~inside[:, :, 0])[0]
        border = {*outside[0], *outside[-1], *outside[:, 0], *outside[:, -1]} - {0}
        inside = ~np.isin(outside, list(border))[:, :, np.newaxis]
    return np.argwhere(inside), affine, inside.shape


def to_world(affine: NDArray[np.float64], points: NDArray[Any]) -> NDArray[np.float64]:
    """Map (n, 3) voxel indices to mm."""
    return points @ affine[:3, :3].T + affine[:3, 3]


def corners(low: NDArray[Any], high: NDArray[Any], affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the voxel centres in the corners of a box (both ends inside) in mm, in a fixed order."""
    ends = np.array(list(itertools.product(*zip(low, high, strict=True))))
    world = np.round(to_world(affine, ends), 3) + 0.0
    return world[np.lexsort(world.T)]


def filled(points: NDArray[np.int64], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return a mask of the given voxels, (n, 3)."""
    inside = np.zeros(shape, dtype=bool)
    inside[tuple(points.T)] = True
    return inside


def stored_voxels(store: Path, row: dict[str, Any]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the voxels of a mask row, (n, 3) in the store's indices, and the label map's affine."""
    labels, affine = labels_of(store / row["path"])
    low, high = np.reshape(row["bbox_ijk"], (2, 3))
    box = labels[tuple(slice(*ends) for ends in zip(low, high, strict=True))]
    return np.argwhere(np.isin(box, row["label_values"])) + low, affine


@pytest.mark.parametrize("slug", SLUGS)
def test_every_mask_is_the_one_in_the_source(corpus_build, corpus_dir, slug):
    """Voxel count, volume, centroid, box and the very voxels of each mask are those of its source file."""
    root = corpus_dir / slug
    claimed = {claim.key: claim for claim in claims(root, slug)}
    affines = {row["image_id"]: np.reshape(row["affine"], (4, 4)) for row in corpus_build.rows("images", slug)}
    in_mm = {row["image_id"]: row["spacing_mm"] is not None for row in corpus_build.rows("images", slug)}
    for row in sorted(corpus_build.rows("masks", slug), key=lambda one: (one["source_path"], one["target"])):
        found, affine, shape = voxels_of(root, claimed[key_of(row)])
        assert row["voxels"] == len(found), row["mask_id"]
        stored, stored_affine = stored_voxels(corpus_build.store, row)
        np.testing.assert_allclose(stored_affine, affines[row["image_id"]], atol=1e-4)
        back = np.rint(to_world(np.linalg.inv(affine), to_world(stored_affine, stored))).astype(np.int64)
        assert np.array_equal(filled(back, shape), filled(found, shape)), row["mask_id"]
        box = np.array(row["bbox_ijk"])
        np.testing.assert_allclose(
            corners(box[:3], box[3:] - 1, affines[row["image_id"]]),
            corners(found.min(axis=0), found.max(axis=0), affine),
            atol=2e-3,
            err_msg=row["mask_id"],
        )
        if not in_mm[row["image_id"]]:
            assert row["volume_mm3"] is row["extent_mm"] is row["centroid_mm"] is None
            continue
        voxel_mm3 = abs(np.linalg.det(affine[:3, :3]))
        assert row["volume_mm3"] == pytest.approx(len(found) * voxel_mm3, rel=1e-6), row["mask_id"]
        centroid_mm = to_world(affine, found.mean(axis=0))
        np.testing.assert_allclose(row["centroid_mm"], centroid_mm, atol=1e-2, err_msg=row["mask_id"])


@pytest.mark.parametrize("slug", SLUGS)
def test_every_image_keeps_its_values_where_they_were(corpus_build, corpus_dir, slug):
    """Voxels drawn at random from each stored image have the source's value at the same place in the world."""
    random = np.random.default_rng(7)
    for row in corpus_build.rows("images", slug):
        source, affine = read(corpus_dir / slug / row["source_path"])
        stored, _ = read(corpus_build.store / row["path"])
        assert sorted(stored.shape[:3]) == sorted(source.shape[:3])
        points = random.integers(0, row["shape_ijk"], (500, 3))
        there = to_world(np.linalg.inv(affine), to_world(np.reshape(row["affine"], (4, 4)), points))
        values = source[tuple(np.rint(there).astype(int).T)]
        np.testing.assert_allclose(stored[tuple(points.T)], values, rtol=1e-6, err_msg=row["image_id"])


@pytest.mark.parametrize("slug", SLUGS)
def test_every_target_is_a_mask_or_a_true_negative(corpus_build, corpus_dir, slug):
    """What the source files hold is exactly the masks; what they lack, the rows of empty masks; the rest, unknown."""
    root, rejections = corpus_dir / slug, corpus_build.rows("rejections", slug)
    masks = {key_of(row) for row in corpus_build.rows("masks", slug)}
    sources = {path for path, _, _ in masks}
    lost = {row["source_path"] for row in rejections if row["code"] in UNUSABLE} - sources
    present, empty = set(), set()
    usable = [claim for claim in claims(root, slug) if not lost.intersection(claim.paths)]
    for claim in usable:
        (present if len(voxels_of(root, claim)[0]) else empty).add(claim.key)
    assert masks == present
    assert {(row["source_path"], row["target"], None) for row in rejections if row["code"] == "empty_mask"} == empty


@pytest.mark.parametrize("slug", SLUGS)
def test_every_value_of_a_label_map_is_mapped_or_reported(corpus_build, corpus_dir, slug):
    """Values that the recipe does not know are rows, one each, and there are no other such rows."""
    root, rejections = corpus_dir / slug, corpus_build.rows("rejections", slug)
    lost = {row["source_path"] for row in rejections if row["code"] in UNUSABLE}
    unknown = set()
    for entry in recipe_of(slug)["labels"]:
        for path in set(matching(root, entry["path"])) - lost if "values" in entry else ():
            found = set(np.unique(labels_of(root / path)[0]).tolist()) - {0, *map(int, entry["values"])}
            unknown |= {(path, value) for value in found}
    reported = [(row["source_path"], row["measured"]) for row in rejections if row["code"] == "unknown_value"]
    assert sorted(reported) == sorted(unknown)


@pytest.mark.parametrize("slug", SLUGS)
def test_every_named_file_is_accounted_for(corpus_build, corpus_dir, slug):
    """Each file that the recipe names is an image, the source of a mask (or a part of it), or a rejection."""
    root, recipe = corpus_dir / slug, recipe_of(slug)
    named = {path for entry in [*recipe["images"], *recipe["labels"]] for path in matching(root, entry["path"])}
    masks = corpus_build.rows("masks", slug)
    rows = [*corpus_build.rows("images", slug), *masks, *corpus_build.rows("rejections", slug)]
    labels = {(row["source_path"], row["source_label"]) for row in masks}
    merged = [claim for claim in claims(root, slug) if len(claim.paths) > 1]
    parts = {path for claim in merged for path in claim.paths if (claim.paths[0], "+".join(claim.names)) in labels}
    assert {row["source_path"] for row in rows} | parts == named


def cleaning(voxels: NDArray[np.int64], affine: NDArray[np.float64], shape: tuple[int, ...]) -> tuple[str, float]:
    """Return the code and measurement of SA-Med3D's first rule that speaks on a mask; `kept` where none does."""
    spacing_cm = np.linalg.norm(affine[:3, :3], axis=0) / 10
    volume_cm3 = len(voxels) * abs(np.linalg.det(affine[:3, :3])) / 1000
    extent_cm = float(((np.ptp(voxels, axis=0) + 1) * spacing_cm).min())
    background = 1 - len(voxels) / np.prod(shape)
    rules = (
        ("below_min_volume", volume_cm3, volume_cm3 < 1.0),
        ("below_min_extent", extent_cm, extent_cm < 1.5),
        ("above_max_background", background, background > 0.99),
    )
    for code, measured, speaks in rules:
        if speaks:
            return code, measured
    _, components = ndimage.label(filled(voxels, shape), structure=np.ones((3, 3, 3)))
    return ("components_dropped" if components > 5 else "kept"), float(components)


@pytest.mark.parametrize("slug", ["totalseg-ref", "ibsi-sts"])
def test_cleaning_decides_as_the_source_files_say(cleaned_build, corpus_dir, slug):
    """Under SA-Med3D's rules each mask is kept, changed or dropped as its own volume, extent and share demand."""
    root = corpus_dir / slug
    expected = {}
    for claim in claims(root, slug):
        voxels, affine, shape = voxels_of(root, claim)
        if len(voxels):
            expected[claim.paths[0], claim.target] = cleaning(voxels, affine, shape)
    rows = [row for row in cleaned_build.rows("rejections", slug) if row["stage"] == "rule"]
    decided = {(row["source_path"], row["target"]): (row["code"], row["measured"]) for row in rows}
    assert len(decided) == len(rows)
    spoken = {key: decision for key, decision in expected.items() if decision[0] != "kept"}
    assert {key: code for key, (code, _) in decided.items()} == {key: code for key, (code, _) in spoken.items()}
    for key, (_, measured) in spoken.items():
        assert decided[key][1] == pytest.approx(measured, rel=1e-6), key
    stays = {key for key, (code, _) in expected.items() if code in ("kept", "components_dropped")}
    assert {(row["source_path"], row["target"]) for row in cleaned_build.rows("masks", slug)} == stays
