"""The folder that a build grows: pieces per case for resuming, then tables, then `store.json`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from curate import manifest, splits
from curate.errors import StoreError
from curate.files import remove_temporaries, sha256_of_json, write_bytes, write_json
from curate.piece import Piece
from curate.profile import Profile
from curate.readers.detached import data_files
from curate.recipe import Recipe
from curate.scan import Case, Found
from curate.schema import DATASETS, PER_DATASET, SCHEMA_VERSION
from curate.source_tree import STORE_MARK, SourceTree
from curate.tables import Written, table_metadata, tool_version, write_tables

Resume = Literal["missing", "never", "always"]
"""missing: build what is missing or changed; never: build all again; always: trust what is there, changed or not."""

_PIECES = STORE_MARK
_PREVIOUS = f"{_PIECES}/.store.json"
"""Where `store.json` waits during a build, so that a killed one leaves no store that passes as finished."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A dataset whose tables are written."""

    row: dict[str, Any]
    """Its row of the datasets table."""
    files: dict[str, str]
    """Path -> SHA-256 of its tables, images and label maps."""


def prepare(store: Path, profile: Profile) -> None:
    """Make the store's folder ready: no half-written files, no other profile, and unfinished until `finish`.

    Raises:
        StoreError: When the folder holds something else, or a store of another profile, or cannot be written.
    """
    try:
        if store.exists() and not (store / _PIECES).is_dir() and any(store.iterdir()):
            raise StoreError(f"{store}: not empty and not a store; give a new folder with --out")
        previous = _previous(store)
        if previous is not None and previous["profile"]["sha256"] != profile.sha256:
            name = previous["profile"]["name"]
            raise StoreError(f"{store}: built with profile `{name}`, now `{profile.name}`; give another --out")
        (store / _PIECES).mkdir(parents=True, exist_ok=True)
        remove_temporaries(store)
        if (store / manifest.STORE_PATH).is_file():
            (store / manifest.STORE_PATH).replace(store / _PREVIOUS)
    except OSError as error:
        raise StoreError(f"{store}: cannot be a store ({error.strerror}); give another folder with --out") from error


def basis(recipe: Recipe, profile: Profile) -> str:
    """Hash what all cases of a dataset depend on: recipe, profile and version."""
    return sha256_of_json([recipe.sha256, profile.sha256, tool_version(), SCHEMA_VERSION])


def fingerprint(case: Case, tree: SourceTree, common: str) -> str:
    """Hash everything that a case's result depends on: its files (size and time) and the dataset's `basis`."""
    files = []
    for file in case.files:
        path = tree.locate(file.path)
        parts = sorted(path.iterdir()) if path.is_dir() else [path, *data_files(path)]
        files += [[file.path, part.name, *_state(part)] for part in parts]
    return sha256_of_json([asdict(case), files, common])


def _state(path: Path) -> tuple[int | None, int | None]:
    """Return size and time of change of a file; None for one that cannot be looked at."""
    try:
        state = path.stat()
    except OSError:
        return None, None
    return state.st_size, state.st_mtime_ns


def save_piece(store: Path, dataset: str, case_id: str, piece: Piece, mark: str) -> None:
    """Write down what a case added; from then on it counts as built."""
    rows = {field.name: getattr(piece, field.name) for field in fields(piece)}
    text = json.dumps({"fingerprint": mark, **rows}, sort_keys=True, allow_nan=False)
    write_bytes(_piece_path(store, dataset, case_id), text.encode())


def drop_piece(store: Path, dataset: str, case_id: str) -> None:
    """Forget what a case added before its files are written again: killed in between, it counts as not built."""
    _piece_path(store, dataset, case_id).unlink(missing_ok=True)


def load_piece(store: Path, dataset: str, case_id: str, mark: str, resume: Resume) -> Piece | None:
    """Return a finished case's piece if it may be kept under the `resume` policy, else None."""
    if resume == "never":
        return None
    try:
        found, piece = _read_piece(store, dataset, case_id)
    except (OSError, ValueError, TypeError, AttributeError, KeyError):
        return None
    if resume == "missing" and found != mark:
        return None
    return piece if all((store / name).is_file() for name in piece.files) else None


def _read_piece(store: Path, dataset: str, case_id: str) -> tuple[str, Piece]:
    """Return the fingerprint and the piece that a case left on disk."""
    content = json.loads(_piece_path(store, dataset, case_id).read_text(encoding="utf-8"))
    found = content.pop("fingerprint")
    return found, Piece(**content)


def finish_dataset(
    store: Path, recipe: Recipe, profile: Profile, found: Found, failed: Mapping[str, Piece]
) -> Finished:
    """Write a dataset's four tables from the pieces on disk, and drop files of cases that are gone.

    Args:
        store: Root of the store.
        recipe: What the dataset is.
        profile: Its name stands in the tables' metadata.
        found: Its cases, each of which has a piece, and the rejections of the scan.
        failed: case_id -> piece of the cases that have none on disk, because they failed.

    Raises:
        StoreError: When an earlier splits table is damaged, which may hold what `curate split` decided.
    """
    dataset = recipe.dataset.id
    moved = _grouped(store, dataset)
    official = {case.case_id: case.split for case in found.cases}
    pieces = ((case_id, failed.get(case_id) or _read_piece(store, dataset, case_id)[1]) for case_id in sorted(official))
    written = write_tables(store, recipe, profile, found, pieces)
    split_rows = splits.assign(recipe, written.images, official, moved)
    path = manifest.table_path("splits", dataset)
    metadata = table_metadata(recipe, profile)
    written.files[path] = manifest.write_table(store / path, PER_DATASET["splits"], split_rows, metadata)
    _remove_strays(store, dataset, set(written.files), set(official))
    return Finished(_dataset_row(recipe, written), written.files)


def finish(store: Path, profile: Profile, built: Sequence[Finished]) -> None:
    """Write the datasets table and, last of all, `store.json`; what the store held of other datasets stays in it."""
    names = {one.row["dataset"] for one in built}
    previous = (_previous(store) or {"files": {}})["files"]
    kept = {path: digest for path, digest in previous.items() if _dataset_of(path) not in {None, *names}}
    others = {_dataset_of(path) for path in kept}
    rows = [one.row for one in built]
    if others:
        rows += [row for row in manifest.read_datasets(store) if row["dataset"] in others]
    rows.sort(key=lambda row: str(row["dataset"]))
    files = kept | {path: digest for one in built for path, digest in one.files.items()}
    files[manifest.DATASETS_PATH] = manifest.write_table(store / manifest.DATASETS_PATH, DATASETS, rows)
    content = {
        "schema_version": SCHEMA_VERSION,
        "medseen_version": tool_version(),
        "profile": {"name": profile.name, "sha256": profile.sha256, "spacing_mm": profile.spacing_mm},
        "counts": {name: sum(row[name] for row in rows) for name in ("images", "masks", "patients", "rejections")}
        | {"datasets": len(rows)},
        "files": files,
    }
    if (store / _PREVIOUS).is_file() and _previous(store) == content:
        (store / _PREVIOUS).replace(store / manifest.STORE_PATH)
        return
    write_json(store / manifest.STORE_PATH, content)
    (store / _PREVIOUS).unlink(missing_ok=True)


def _piece_path(store: Path, dataset: str, case_id: str) -> Path:
    return store / _PIECES / dataset / f"{case_id}.json"


def _dataset_row(recipe: Recipe, written: Written) -> dict[str, Any]:
    facts = recipe.dataset
    return {
        "dataset": facts.id,
        "title": facts.title,
        "licence": facts.licence,
        "licence_evidence": facts.licence_evidence,
        "licence_state": facts.licence_state,
        "licence_conflict": facts.licence_conflict,
        "citation": facts.citation,
        "homepage": facts.homepage,
        "source": facts.source,
        "annotation": facts.annotation,
        "derived_from": sorted({origin.dataset for origin in recipe.derived_from}),
        "recipe_sha256": recipe.sha256,
        "images": len(written.images),
        "masks": written.masks,
        "patients": len({row["patient_id"] for row in written.images}),
        "rejections": written.rejections,
    }


def _grouped(store: Path, dataset: str) -> dict[str, str]:
    """Return the patients whom `curate split` moved, with their splits: such decisions outlive a build."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = store / manifest.table_path("splits", dataset)
    if not path.is_file():
        return {}
    try:
        rows = pq.read_table(path, columns=["patient_id", "split", "origin"]).to_pylist()
    except (OSError, pa.ArrowException) as error:
        advice = "delete it, build again, and run `curate split` if you had"
        raise StoreError(f"{path}: cannot be read, so what `curate split` moved is lost; {advice}") from error
    return {row["patient_id"]: row["split"] for row in rows if row["origin"] == splits.GROUPED}


def _remove_strays(store: Path, dataset: str, keep: set[str], cases: set[str]) -> None:
    """Delete images, label maps and pieces of a dataset that no case of today's source tree owns."""
    for kind in ("images", "labels"):
        for path in (store / kind / dataset).rglob("*"):
            if path.is_file() and path.relative_to(store).as_posix() not in keep:
                path.unlink()
    for path in (store / _PIECES / dataset).glob("*.json"):
        if path.stem not in cases:
            path.unlink()
    for path in sorted((store / "images" / dataset).glob("*")):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()


def _previous(store: Path) -> dict[str, Any] | None:
    """Return the `store.json` of the last build that ended, if there was one."""
    for path in (manifest.STORE_PATH, _PREVIOUS):
        if (store / path).is_file():
            return manifest.read_store(store, path)
    return None


def _dataset_of(path: str) -> str | None:
    """Return the dataset that a file of the store belongs to; None for the table of all datasets."""
    kind, name, *rest = path.split("/")
    if kind != "manifest":
        return name
    return rest[0].removesuffix(".parquet") if rest else None
