"""Croissant 1.1 (MLCommons): the chosen images and label maps, their tables, and JSON-LD that describes them.

    croissant.json                             what a catalogue or `mlcroissant` reads
    datasets.parquet, images.parquet, ...      the store's tables, of the chosen part alone
    images/..., labels/...                     links to the store's files

Specification: docs/croissant-spec-1.1.md of mlcommons/croissant. A store knows neither creators nor a date of
publication by themselves: the citations stand as creators, and `datePublished` is for whoever publishes the export.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from curate import manifest
from curate.exporters.content import StoredCase, inside_store
from curate.exporters.frame import Export, run
from curate.exporters.report import ExportReport
from curate.exporters.selection import Selection
from curate.files import write_json
from curate.schema import DATASETS, PER_DATASET, Column, Table
from curate.tables import tool_version

_CONFORMS_TO = "http://mlcommons.org/croissant/1.1"
_KEYS = {"datasets": "dataset", "images": "image_id", "masks": "mask_id", "splits": "image_id"}
"""Table -> the column that is unique in it."""
_REFERENCES = {(table, "image_id"): "images/image_id" for table in ("masks", "rejections", "splits")}
"""Columns that point to another table; `mlcroissant` follows one such step but no chain, so `dataset` is not here."""
_TYPES = {"string": "sc:Text", "bool": "sc:Boolean", "int32": "cr:Int32", "int64": "cr:Int64", "double": "cr:Float64"}
_SPDX = re.compile(r"CC0-1\.0|CC-BY(-NC)?(-SA|-ND)?-\d\.\d|Apache-2\.0|MIT|ODbL-1\.0|PDDL-1\.0")
_NAMES_OF_CROISSANT = (
    *("arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "extract", "field", "fileObject"),
    *("fileProperty", "fileSet", "format", "includes", "isArray", "isLiveDataset", "jsonPath", "key", "md5"),
    *("parentField", "path", "recordSet", "references", "regex", "repeated", "replace", "samplingRate", "separator"),
    *("source", "subField", "transform"),
)


def export(store: Path, out: Path, selection: Selection) -> ExportReport:
    """Write the chosen part of a store with Croissant metadata; see `curate.exporters.Exporter`."""
    return run("croissant", store, out, selection, _fill)


def _fill(export: Export) -> None:
    chosen: dict[str, set[str]] = {"image_id": set(), "mask_id": set(), "path": set()}
    for case in export.cases():
        _link_case(export, case, chosen)
    tables = _rows(export, chosen)
    hashes = {
        f"{name}.parquet": manifest.write_table(export.folder / f"{name}.parquet", _columns(name), rows)
        for name, rows in tables.items()
    }
    write_json(export.folder / "croissant.json", _metadata(tables["datasets"], hashes))


def _link_case(export: Export, case: StoredCase, chosen: dict[str, set[str]]) -> None:
    """Link the images of a case that were labelled for a chosen target, and their label maps."""
    images = [image for image in case.images if image.labelled]
    for image in images:
        for path in [image.path, *dict.fromkeys(mask.path for mask in image.masks)]:
            if path not in chosen["path"]:
                export.link(path, inside_store(path))
                chosen["path"].add(path)
        chosen["image_id"].add(image.image_id)
        chosen["mask_id"].update(mask.mask_id for mask in image.masks)
    if images:
        export.done(case, images=len(images), masks=sum(len(image.masks) for image in images))


def _rows(export: Export, chosen: dict[str, set[str]]) -> dict[str, list[dict[str, Any]]]:
    """Return the chosen rows of every table."""
    tables: dict[str, list[dict[str, Any]]] = {"datasets": export.licences()}
    names = [row["dataset"] for row in tables["datasets"]]
    for name, key in (("images", "image_id"), ("masks", "mask_id"), ("splits", "image_id"), ("rejections", "image_id")):
        rows = manifest.read_table(export.store, name, names).to_pylist()  # type: ignore[arg-type]
        tables[name] = [row for row in rows if row[key] in chosen[key]]
    for row in tables["datasets"]:
        own = {
            name: [one for one in tables[name] if one["dataset"] == row["dataset"]] for name in ("images", "rejections")
        }
        row["patients"] = len({image["patient_id"] for image in own["images"]})
        row["rejections"] = len(own["rejections"])
    return tables


def _columns(name: str) -> Table:
    return DATASETS if name == "datasets" else PER_DATASET[name]


def _metadata(datasets: Sequence[dict[str, Any]], hashes: dict[str, str]) -> dict[str, Any]:
    """Return the JSON-LD document."""
    homepages = [row["homepage"] for row in datasets if row["homepage"]]
    return {
        "@context": _context(),
        "@type": "sc:Dataset",
        "conformsTo": _CONFORMS_TO,
        "name": "_".join(row["dataset"] for row in datasets)[:200],
        "description": "Medical images with segmentation masks from " + "; ".join(row["title"] for row in datasets),
        "license": sorted({_licence(row["licence"]) for row in datasets}),
        "url": homepages[0] if len(homepages) == 1 else "croissant.json",
        "creator": [{"@type": "sc:Organization", "name": f"{row['title']} ({row['citation']})"} for row in datasets],
        "citeAs": "; ".join(dict.fromkeys(row["citation"] for row in datasets)),
        "version": tool_version(),
        "isLiveDataset": False,
        "distribution": [*_tables(hashes), *_file_sets()],
        "recordSet": [_record_set(name.removesuffix(".parquet")) for name in hashes],
    }


def _context() -> dict[str, Any]:
    """Return the context that the specification recommends (its appendix 1); readers warn about any other."""
    context: dict[str, Any] = {name: f"cr:{name}" for name in _NAMES_OF_CROISSANT}
    return context | {
        "@language": "en",
        "@vocab": "https://schema.org/",
        "sc": "https://schema.org/",
        "cr": "http://mlcommons.org/croissant/",
        "dct": "http://purl.org/dc/terms/",
        "conformsTo": "dct:conformsTo",
        "rai": "http://mlcommons.org/croissant/RAI/",
        "data": {"@id": "cr:data", "@type": "@json"},
        "examples": {"@id": "cr:examples", "@type": "@json"},
        "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    }


def _licence(licence: str) -> str:
    """Return the page of an SPDX licence; what is none stays in the words of the recipe."""
    return f"https://spdx.org/licenses/{licence}.html" if _SPDX.fullmatch(licence) else licence


def _tables(hashes: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "@type": "cr:FileObject",
            "@id": name,
            "name": name,
            "contentUrl": name,
            "encodingFormat": "application/x-parquet",
            "sha256": digest,
        }
        for name, digest in hashes.items()
    ]


def _file_sets() -> list[dict[str, Any]]:
    formats = {"nii.gz": "application/gzip", "png": "image/png"}
    return [
        {
            "@type": "cr:FileSet",
            "@id": f"{kind}-{suffix.partition('.')[0]}",
            "name": f"{kind}-{suffix.partition('.')[0]}",
            "description": description,
            "encodingFormat": encoding,
            "includes": f"{kind}/**/*.{suffix}",
        }
        for kind, description in (("images", "harmonised images"), ("labels", "label maps, shared by several masks"))
        for suffix, encoding in formats.items()
        if (kind, suffix) != ("labels", "png")
    ]


def _record_set(name: str) -> dict[str, Any]:
    content: dict[str, Any] = {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "field": [_field(name, column) for column in _columns(name)],
    }
    return content | ({"key": {"@id": f"{name}/{_KEYS[name]}"}} if name in _KEYS else {})


def _field(table: str, column: Column) -> dict[str, Any]:
    """Return the description of one column."""
    kind, _, length = column.kind.removeprefix("list<").partition(">")
    field: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": f"{table}/{column.name}",
        "name": column.name,
        "description": column.meaning,
        "dataType": _TYPES[kind],
        "source": {"fileObject": {"@id": f"{table}.parquet"}, "extract": {"column": column.name}},
    }
    if column.kind.startswith("list<"):
        field |= {"isArray": True, "arrayShape": length.strip("[]") or "-1"}
    if (table, column.name) in _REFERENCES:
        field["references"] = {"field": {"@id": _REFERENCES[table, column.name]}}
    return field
