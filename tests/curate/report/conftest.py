"""A store whose names are hostile, and the report of it."""

from pathlib import Path

import pytest

from curate import pipeline, profile, recipe, report
from curate.executor import Where
from curate.pipeline import Source

HOSTILE = "<img src=x onerror=\"document.title='owned'\">"
RECIPE = """
schema = 1
[dataset]
id = "{name}"
title = {title}
licence = "{licence}"
licence_evidence = {evidence}
{conflict}
citation = "none"
homepage = "javascript:alert(1)"
source = "a test"
annotation = "phantom"
region = "abdomen"
unverified = ["the number of cases"]
[[images]]
path = "images/{{case}}.nii.gz"
modality = "CT"
[[labels]]
path = "labels/{{case}}.nii.gz"
values = {{ 1 = "liver", 2 = "spleen" }}
[expect]
rejections = {{ empty_mask = 1, no_label = {no_label} }}
"""


def write_recipe(folder, name, licence="CC0-1.0", conflict="", no_label=1):
    """Write a recipe whose title and evidence are markup."""
    path = folder / f"{name}.toml"
    quoted = "'''" + HOSTILE + "'''"
    evidence = f"'''{HOSTILE} see https://example.org/licence.'''"
    text = RECIPE.format(
        name=name, title=quoted, licence=licence, evidence=evidence, conflict=conflict, no_label=no_label
    )
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.fixture(scope="session")
def hostile(tmp_path_factory, planted):
    """Build two datasets from one tree: liver and spleen in `a`, a liver alone in `b`, an image without a label."""
    folder = tmp_path_factory.mktemp("hostile")
    tree = planted(folder)
    tree.case("a")
    tree.case("b", {1: 1}, seed=1)
    tree.image("images/alone.nii.gz")
    recipes = [
        write_recipe(folder, "first"),
        write_recipe(folder, "second", "CC-BY-NC-4.0", no_label=0),
    ]
    sources = [Source(recipe.load(path), tree.raw) for path in recipes]
    pipeline.build(sources, folder / "store", profile.load("native"), Where(1))
    return folder / "store", recipes


@pytest.fixture(scope="session")
def written(hostile, tmp_path_factory) -> tuple[Path, report.Report]:
    """Write its report."""
    store, recipes = hostile
    out = tmp_path_factory.mktemp("report") / "out"
    return out, report.write(store, out, where=Where(1), recipes=recipes)
