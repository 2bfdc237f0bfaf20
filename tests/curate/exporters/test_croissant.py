"""Croissant: references that resolve, hashes that fit, columns that exist, and tables of the chosen part alone."""

import fnmatch
import hashlib
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from curate.exporters import Selection, export

REQUIRED = ("@context", "@type", "conformsTo", "description", "license", "name", "url", "creator", "distribution")
"""Of docs/croissant-spec-1.1.md, but for datePublished, which a store cannot know."""


@pytest.fixture(scope="module")
def out(phantom_store, tmp_path_factory) -> Path:
    """Return an export of two of the phantom datasets, without the spleen."""
    folder = tmp_path_factory.mktemp("croissant") / "out"
    export(phantom_store, "croissant", folder, Selection(("phantom-n*",), ("liver", "kidney*")))
    return folder


@pytest.fixture(scope="module")
def document(out) -> dict:
    """Return its JSON-LD."""
    return json.loads((out / "croissant.json").read_text())


def test_what_the_specification_requires_is_there(document):
    """Every required property has a value, and the context maps the terms that are used."""
    assert all(document[name] for name in REQUIRED)
    assert document["conformsTo"] == "http://mlcommons.org/croissant/1.1"
    assert document["@context"]["cr"] == "http://mlcommons.org/croissant/"
    assert document["license"] == ["https://spdx.org/licenses/CC-BY-4.0.html"]
    assert document["citeAs"] == "Doe 2026, phantom-nnunet; Doe 2026, phantom-nrrd"


def test_ids_are_unique_and_references_resolve(document):
    """Anything that is only an @id names something that the document defines, once."""
    defined, referred = [], []

    def walk(node: object) -> None:
        if isinstance(node, list):
            for item in node:
                walk(item)
        elif isinstance(node, dict):
            if "@id" in node:
                (referred if len(node) == 1 else defined).append(node["@id"])
            for value in node.values():
                walk(value)

    walk({key: value for key, value in document.items() if key != "@context"})
    assert len(defined) == len(set(defined))
    assert set(referred) <= set(defined)
    assert {"images/image_id", "masks/mask_id", "masks.parquet"} <= set(referred)


def test_files_have_their_hashes(document, out):
    """Every FileObject lies where its contentUrl says, with the bytes of its sha256."""
    objects = [one for one in document["distribution"] if one["@type"] == "cr:FileObject"]
    assert [one["contentUrl"] for one in objects] == [f"{name}.parquet" for name in _tables()]
    for one in objects:
        assert hashlib.sha256((out / one["contentUrl"]).read_bytes()).hexdigest() == one["sha256"]


def _tables() -> list[str]:
    return ["datasets", "images", "masks", "splits", "rejections"]


def test_file_sets_cover_every_image_and_label_map(document, out):
    """The globs match all linked files, each by one FileSet."""
    globs = [one["includes"] for one in document["distribution"] if one["@type"] == "cr:FileSet"]
    files = [path.relative_to(out).as_posix() for kind in ("images", "labels") for path in (out / kind).rglob("*.*")]
    assert len(files) == 14
    for path in files:
        assert sum(fnmatch.fnmatchcase(path, glob.replace("**/", "*")) for glob in globs) == 1


def test_fields_are_the_columns_of_the_tables(document, out):
    """Each record set has one field per column, with the type that the table has and the meaning from the schema."""
    types = {
        "sc:Text": "string",
        "sc:Boolean": "bool",
        "cr:Int32": "int32",
        "cr:Int64": "int64",
        "cr:Float64": "double",
    }
    for record_set in document["recordSet"]:
        schema = pq.read_schema(out / f"{record_set['name']}.parquet")
        assert [field["source"]["extract"]["column"] for field in record_set["field"]] == schema.names
        for field in record_set["field"]:
            kind = schema.field(field["name"]).type
            is_list = field.get("isArray", False)
            assert types[field["dataType"]] == str(kind.value_type if is_list else kind)
            assert field["description"]
            if is_list:
                assert field["arrayShape"] == str(getattr(kind, "list_size", -1))


def test_tables_hold_the_chosen_part_alone(out, phantom_store):
    """Images, masks, splits and rejections are those of the selection; every file that a row names is there."""
    rows = {name: pq.read_table(out / f"{name}.parquet").to_pylist() for name in _tables()}
    assert {row["target"] for row in rows["masks"]} == {
        "liver",
        "kidney",
        "kidney_tumor",
        "kidney_left",
        "kidney_right",
    }
    assert len(rows["masks"]) == 12 + 9
    assert {row["image_id"] for row in rows["splits"]} == {row["image_id"] for row in rows["images"]}
    assert [(row["dataset"], row["images"], row["masks"], row["patients"]) for row in rows["datasets"]] == [
        ("phantom-nnunet", 4, 12, 4),
        ("phantom-nrrd", 3, 9, 3),
    ]
    for row in (*rows["images"], *rows["masks"]):
        assert (out / row["path"]).samefile(phantom_store / row["path"])


def test_what_is_no_spdx_licence_stays_in_its_own_words():
    """A licence that has no page is not made into a link that leads nowhere."""
    from curate.exporters.croissant import _licence

    assert _licence("CC-BY-NC-SA-4.0") == "https://spdx.org/licenses/CC-BY-NC-SA-4.0.html"
    assert _licence("unclear") == "unclear"
    assert _licence("challenge terms") == "challenge terms"
