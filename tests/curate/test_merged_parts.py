"""Label files that hold the parts of one mask."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from curate import annotating, manifest, matching, pipeline, profile
from curate.executor import Where
from curate.pipeline import Report, Source
from curate.recipe import Recipe

RECIPE = {
    "schema": 1,
    "dataset": {
        "id": "parts",
        "title": "Parts",
        "licence": "CC0-1.0",
        "licence_evidence": "made here",
        "citation": "none",
        "source": "made here",
        "annotation": "phantom",
        "region": "pelvis",
    },
    "images": [{"path": r"{case:\d+}.png", "modality": "CT"}],
    "labels": [
        {
            "path": r"{case:\d+}_{label}.png",
            "names": {"hip_000": "hip_bone_left", "hip_001": "hip_bone_left", "liver_000": "liver"},
            "merge": True,
        }
    ],
}


def square(low: int, high: int, size: int = 20, value: int = 255) -> np.ndarray:
    """Return a picture with one bright square."""
    picture = np.zeros((size, size), dtype=np.uint8)
    picture[low:high, low:high] = value
    return picture


def build(folder: Path, pictures: dict[str, np.ndarray]) -> tuple[Path, Report]:
    """Write pictures, build them and return store and report."""
    raw = folder / "raw"
    raw.mkdir()
    for name, picture in pictures.items():
        Image.fromarray(picture).save(raw / f"{name}.png")
    source = Source(Recipe.model_validate(RECIPE), raw)
    (report,) = pipeline.build([source], folder / "store", profile.load("native"), Where(workers=1))
    return folder / "store", report


def test_parts_are_one_mask(tmp_path):
    """Two overlapping parts give one mask, their union, which names both; another structure stays on its own."""
    pictures = {
        "1": square(0, 20),
        "1_hip_000": square(2, 8),
        "1_hip_001": square(6, 10),
        "1_liver_000": square(12, 15),
    }
    store, report = build(tmp_path, pictures)
    rows = {row["target"]: row for row in manifest.read_table(store, "masks").to_pylist()}
    assert (rows["hip_bone_left"]["voxels"], rows["hip_bone_left"]["bbox_ijk"]) == (36 + 16 - 4, [2, 2, 0, 10, 10, 1])
    assert (rows["hip_bone_left"]["source_label"], rows["hip_bone_left"]["source_path"]) == (
        "hip_000+hip_001",
        "1_hip_000.png",
    )
    assert (rows["liver"]["voxels"], rows["liver"]["source_label"]) == (9, "liver_000")
    assert report.rejections == {}


def test_an_empty_part_does_not_hide_the_others(tmp_path):
    """A mask with an empty part is no true negative."""
    store, report = build(tmp_path, {"1": square(0, 20), "1_hip_000": square(0, 0), "1_hip_001": square(6, 10)})
    assert [row["voxels"] for row in manifest.read_table(store, "masks").to_pylist()] == [16]
    assert report.rejections == {}


@pytest.mark.parametrize(
    ("part", "code"),
    [(square(6, 10, size=21), "grid_mismatch"), (square(6, 10, value=7), "not_binary")],
    ids=["another grid", "another value"],
)
def test_half_a_mask_is_no_mask(tmp_path, part, code):
    """When one part cannot be used, every part is rejected: the rest would be taken for the whole."""
    pictures = {"1": square(0, 20), "1_hip_000": square(2, 8), "1_hip_001": part, "1_liver_000": square(12, 15)}
    store, report = build(tmp_path, pictures)
    assert report.rejections == {code: 2}
    assert [row["target"] for row in manifest.read_table(store, "masks").to_pylist()] == ["liver"]


def test_merge_needs_names():
    """A recipe that merges files without names is refused."""
    labels = [{"path": "{case}_mask.png", "target": "liver", "merge": True}]
    with pytest.raises(ValueError, match="`merge` goes with `names`"):
        Recipe.model_validate(RECIPE | {"labels": labels})


def test_files_are_grouped_by_target_only_where_the_recipe_says_so():
    """Without `merge` the same files are read one by one."""
    recipe = Recipe.model_validate(RECIPE)
    entry = recipe.labels[0].model_copy(update={"merge": False})
    files = [matching.LabelFile(f"1_{name}.png", 0, name) for name in ("hip_000", "hip_001", "liver_000")]
    assert [len(group) for group in annotating._parts(files, recipe)] == [2, 1]
    assert [len(group) for group in annotating._parts(files, recipe.model_copy(update={"labels": (entry,)}))] == [
        1,
        1,
        1,
    ]
