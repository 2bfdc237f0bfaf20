"""docs/recipes.md is true: every example is built from a tree whose voxels are known, and gives what it says."""

import re
import runpy
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import curate.cli
from curate import manifest, pipeline, profile, recipe, replica, volume
from curate.executor import Where
from curate.labelmap import extract
from curate.pipeline import Source
from curate.recipe import DatasetFacts, Expect, ImageFiles, LabelFiles, Recipe, RecipeFiles, SeriesChoice, SplitList
from curate.recipe.dataset import Exclusion, LabelledCases, Origin, Splits
from curate.recipe.download import Download, DownloadFile
from curate.recipe.replica import Replica, ReplicaFile
from curate.vocabulary import Vocabulary

DOCS = Path(__file__).resolve().parents[2] / "docs"
GUIDE = (DOCS / "recipes.md").read_text(encoding="utf-8")
trees = runpy.run_path(str(Path(__file__).with_name("guide_trees.py")))
TREES, Site = trees["TREES"], trees["Site"]
WHOLE, STANDARD = "A complete recipe", "How to read the examples"
FACTS = {
    "id": "guide",
    "title": "An example",
    "licence": "CC0-1.0",
    "licence_evidence": "made by a test",
    "citation": "none",
    "source": "a test",
    "annotation": "phantom",
    "region": "abdomen",
}


@dataclass(frozen=True, slots=True)
class Example:
    """What the guide says below one heading."""

    toml: dict[str, Any]
    files: set[str]
    """Paths; a folder ends in a slash."""
    masks: set[str]
    rejected: list[str]
    facts: Mapping[str, str]


def read_example(text):
    """Read a block: comments above the recipe list files, comments with an arrow say what comes out."""
    above = re.match(r"(?:# .*\n)*", text)[0].splitlines()
    files = [token.split(" (")[0] for line in above for token in line[2:].split("  ")]
    came = [line.removeprefix("# -> ").split(maxsplit=1) for line in text.splitlines() if line.startswith("# -> ")]
    told = [(kind, rest.split(" (")[0]) for kind, rest in came]
    facts = [(kind, *rest.split(maxsplit=1 if kind != "image" else 2)) for kind, rest in told]
    return Example(
        tomllib.loads(text),
        set(files),
        {name for kind, rest in told if kind == "masks" for name in rest.split()},
        [rest for kind, rest in told if kind == "rejected"],
        {" ".join(words[:-1]): words[-1] for words in facts if words[0] not in ("masks", "rejected")},
    )


def sections():
    """Return heading -> text of the guide; a # inside a block is a comment."""
    found, heading, is_block = {}, "", False
    for line in GUIDE.splitlines(keepends=True):
        is_block ^= line.startswith("```")
        if line.startswith("#") and not is_block:
            heading = line.lstrip("#").strip()
            assert heading not in found, heading
            found[heading] = ""
        else:
            found[heading] += line
    return found


def blocks(language, text=GUIDE):
    """Return the fenced blocks of a language, in order."""
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


EXAMPLES = {
    heading: [read_example(block) for block in blocks("toml", text)]
    for heading, text in sections().items()
    if blocks("toml", text)
}


def completed(toml):
    """Return the recipe of an example, with the facts and entries that it leaves out."""
    content = toml
    if "schema" not in toml:
        standard = EXAMPLES[STANDARD][0].toml
        entries = {name: toml.get(name, standard[name]) for name in ("images", "labels")}
        content = toml | entries | {"schema": 1, "dataset": FACTS | toml.get("dataset", {})}
    found = Recipe.model_validate(content)
    recipe._check_words(found, Vocabulary.load())
    return found


def written(site):
    """Return the files of a site as the guide names them."""
    paths = sorted(path.relative_to(site.folder).as_posix() for path in site.folder.rglob("*") if path.is_file())
    return [path.removeprefix("raw/") if path.startswith("raw/") else path.replace("/", ":", 1) for path in paths]


def outcome(store, found):
    """Return masks with their voxels, rejections and facts of a store as the guide spells them."""
    prefix = f"{found.dataset.id}/"
    tables = {
        name: manifest.read_table(store, name).to_pylist() for name in ("images", "masks", "rejections", "splits")
    }
    masks = {}
    for row in tables["masks"]:
        mask = extract(volume.read(store / row["path"]).voxels, row["label_values"])
        masks[row["mask_id"].removeprefix(prefix)] = {tuple(voxel) for voxel in np.argwhere(mask.full()).tolist()}
    rejected = []
    for row in tables["rejections"]:
        about = f"{row['image_id']}#{row['target']}".removeprefix(prefix) if row["target"] else row["source_path"]
        rejected.append(f"{row['code']} {about}")
    facts = {f"image {row['image_id'].removeprefix(prefix)} {key}": row[key] for row in tables["images"] for key in row}
    facts |= {f"split {row['image_id'].removeprefix(prefix)}": row["split"] for row in tables["splits"]}
    facts |= {f"dataset {key}": value for key, value in manifest.read_datasets(store)[0].items()}
    spelt = {key: " ".join(map(str, value)) if isinstance(value, list) else str(value) for key, value in facts.items()}
    return masks, sorted(rejected), spelt


def test_every_example_has_a_tree_and_every_tree_an_example():
    """Each heading with a recipe has one recipe and one tree; no tree is left over."""
    assert {heading: len(examples) for heading, examples in EXAMPLES.items()} == dict.fromkeys(TREES, 1)


@pytest.mark.parametrize("heading", EXAMPLES)
def test_an_example_gives_what_it_says(tmp_path, heading):
    """Files, masks, voxels, rejections and facts are those of the guide, of the tree's maker and of the store."""
    example, site = EXAMPLES[heading][0], Site(tmp_path / "sources")
    expected = TREES[heading](site)
    found = completed(example.toml)
    files = {f"{Path(path).parent}/" if f"{Path(path).parent}/" in example.files else path for path in written(site)}
    assert files == example.files

    roots = {name: site.folder / name for name in found.roots}
    source = Source(found, site.folder / "raw", roots)
    (report,) = pipeline.build([source], tmp_path / "store", profile.load("native"), Where(workers=1))
    masks, rejected, facts = outcome(tmp_path / "store", found)
    assert masks == expected.masks
    assert example.masks == set(expected.masks)
    assert rejected == sorted(expected.rejected) == sorted(example.rejected)
    assert {key: facts[key] for key in expected.facts} == expected.facts == example.facts
    for image_id, value in expected.intensities.items():
        voxels = volume.read(tmp_path / "store" / facts[f"image {image_id} path"]).voxels
        assert np.unique(voxels).tolist() == [value]
    if heading == WHOLE:
        assert report.surprises == []


def test_the_replica_of_the_guide_holds_what_it_says(tmp_path):
    """The example of a replica, built by its own recipe, differs in nothing from what the replica says."""
    found = completed(EXAMPLES["Replicas"][0].toml)
    assert replica.differences(found, tmp_path) == []
    assert sorted(path.name for path in (tmp_path / "raw/labels").iterdir()) == ["._liver_0.nii.gz", "liver_0.nii.gz"]


def test_the_four_commands_work_as_typed(tmp_path, monkeypatch, capsys):
    """In a folder with the files of the first example, the guide's commands end with a store as the recipe expects."""
    (tmp_path / "sources").mkdir()
    TREES[WHOLE](Site(tmp_path / "sources"))
    (tmp_path / "sources/raw").rename(tmp_path / "mydata")
    monkeypatch.chdir(tmp_path)
    (block,) = blocks("sh")
    for line in block.splitlines():
        words = line.split("#")[0].split()
        assert words[0] == "curate"
        status = curate.cli.main(words[1:])
        assert status == 0, (line, capsys.readouterr())
        if words[1] == "init":
            assert "# decide:" in Path("mydata.toml").read_text(encoding="utf-8")
            Path("mydata.toml").write_text(blocks("toml")[0], encoding="utf-8")
    assert manifest.read_table(Path("store"), "masks").num_rows == 3


KEYS = {
    "top": (
        Recipe,
        {"dataset", "images", "labels", "derived_from", "exclude", "labelled", "splits", "expect"}
        | {"download", "replica"},
    ),
    "`[dataset]`": (DatasetFacts, set()),
    "both kinds of files": (RecipeFiles, set()),
    "`[[images]]`": (ImageFiles, set(RecipeFiles.model_fields)),
    "`series`": (SeriesChoice, set()),
    "`[[labels]]`": (LabelFiles, set(RecipeFiles.model_fields)),
    "`[[derived_from]]`": (Origin, set()),
    "`[[exclude]]`": (Exclusion, set()),
    "`[[labelled]]`": (LabelledCases, set()),
    "`[splits]`": (Splits, {"lists"}),
    "`[[splits.lists]]`": (SplitList, set()),
    "`[expect]`": (Expect, set()),
    "`[download]`": (Download, {"files"}),
    "`[[download.files]]`": (DownloadFile, set()),
    "`[replica]`": (Replica, {"files"}),
    "`[[replica.files]]`": (ReplicaFile, set()),
}
"""What the guide calls a table -> its model, and the keys that have a table of their own."""


def test_the_table_has_every_key_and_says_which_are_needed():
    """The last section lists the keys of every table of a recipe, no others; those without default are the needed."""
    rows = [line.strip("|").split("|") for line in sections()["All keys"].splitlines() if line.startswith("|")][2:]
    listed, table = {}, ""
    for first, keys, _, default in rows:
        table = first.strip() or table
        for key in re.findall(r"`(\w+)`", keys):
            assert key not in listed.setdefault(table, {}), f"{table} {key} stands twice"
            listed[table][key] = not default.strip()
    needed = {
        table: {
            field.alias or name: field.is_required() for name, field in model.model_fields.items() if name not in apart
        }
        for table, (model, apart) in KEYS.items()
    }
    assert listed == needed


def test_links_lead_somewhere():
    """A link leads to one of the guide's headings, or to a page beside it."""
    anchors = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in sections()}
    for link in re.findall(r"\]\(([^)]*)\)", GUIDE):
        assert link.removeprefix("#") in anchors if link.startswith("#") else (DOCS / link).is_file(), link
