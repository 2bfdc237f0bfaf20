"""The folder that a build grows: pieces per case for resuming, then tables, then `store.json`."""

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from curate import manifest, splits
from curate.case import Piece
from curate.errors import StoreError
from curate.files import remove_temporaries, sha256_of_file, sha256_of_json, write_json
from curate.profile import Profile
from curate.recipe import Recipe
from curate.rejections import Rejection
from curate.scan import Case, Found
from curate.schema import DATASETS, PER_DATASET, SCHEMA_VERSION

Resume = Literal["missing", "never", "always"]
"""missing: build what is missing or changed; never: build all again; always: trust what is there, changed or not."""

_PIECES = ".cases"


def prepare(store: Path, profile: Profile) -> None:
    """Make the store's folder ready: no half-written files, no other profile.

    Raises:
        StoreError: When the folder holds something else, or a store of another profile.
    """
    if store.exists() and not (store / _PIECES).is_dir() and any(store.iterdir()):
        raise StoreError(f"{store}: not empty and not a store; give a new folder with --out")
    if (store / manifest.STORE_PATH).is_file():
        found = manifest.read_store(store)["profile"]
        if found["sha256"] != profile.sha256:
            raise StoreError(f"{store}: built with profile `{found['name']}`, now `{profile.name}`; give another --out")
    (store / _PIECES).mkdir(parents=True, exist_ok=True)
    remove_temporaries(store)


def fingerprint(case: Case, recipe: Recipe, profile: Profile, raw: Path) -> str:
    """Hash everything that a case's result depends on: its files (size and time), recipe, profile and version."""
    files = []
    for file in case.files:
        try:
            state = (raw / file.path).stat()
            files.append([file.path, state.st_size, state.st_mtime_ns])
        except OSError:
            files.append([file.path, None, None])
    return sha256_of_json([asdict(case), files, recipe.sha256, profile.sha256, tool_version(), SCHEMA_VERSION])


def save_piece(store: Path, dataset: str, case_id: str, piece: Piece, mark: str) -> None:
    """Write down what a case added; from then on it counts as built."""
    write_json(_piece_path(store, dataset, case_id), {"fingerprint": mark, **asdict(piece)})


def load_piece(store: Path, dataset: str, case_id: str, mark: str, resume: Resume) -> Piece | None:
    """Return a finished case's piece if it may be kept under the `resume` policy, else None."""
    path = _piece_path(store, dataset, case_id)
    if resume == "never" or not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return None
    found = content.pop("fingerprint", None)
    if resume == "missing" and found != mark:
        return None
    piece = Piece(**content)
    return piece if all((store / name).is_file() for name in piece.files) else None


def finish_dataset(
    store: Path, recipe: Recipe, profile: Profile, found: Found, pieces: Mapping[str, Piece]
) -> dict[str, Any]:
    """Write a dataset's four tables, drop files of cases that are gone, and return its row of the datasets table."""
    ordered = [pieces[case_id] for case_id in sorted(pieces)]
    images = sorted((row for piece in ordered for row in piece.images), key=lambda row: row["image_id"])
    masks = sorted((row for piece in ordered for row in piece.masks), key=lambda row: row["mask_id"])
    rejections = [*(_rejection_rows(found.rejections)), *(row for piece in ordered for row in piece.rejections)]
    rejections.sort(
        key=lambda row: [str(row[name]) for name in ("case_id", "image_id", "target", "source_path", "code", "detail")]
    )
    split_rows = splits.assign(recipe, images, {case.case_id: case.split for case in found.cases})
    metadata = {
        "medseen.schema_version": str(SCHEMA_VERSION),
        "medseen.version": tool_version(),
        "medseen.recipe_sha256": recipe.sha256,
        "medseen.profile": profile.name,
    }
    dataset = recipe.dataset.id
    rows = {"images": images, "masks": masks, "rejections": rejections, "splits": split_rows}
    for name, table in PER_DATASET.items():
        manifest.write_table(store / manifest.table_path(name, dataset), table, rows[name], metadata)  # type: ignore[arg-type]
    _remove_strays(store, dataset, {name for piece in ordered for name in piece.files}, set(pieces))
    return _dataset_row(recipe, images, masks, rejections)


def finish(store: Path, profile: Profile, datasets: Sequence[Mapping[str, Any]], files: Mapping[str, str]) -> None:
    """Write the datasets table and, last of all, `store.json`.

    Args:
        store: Root of the store.
        profile: What it was built with.
        datasets: Rows of the datasets that were built now; those of other datasets in the store stay.
        files: Path -> SHA-256 of the image and label files of the datasets that were built now.
    """
    built = {row["dataset"] for row in datasets}
    others = [row for row in manifest.read_datasets(store) if row["dataset"] not in built]
    rows = sorted([*datasets, *others], key=lambda row: str(row["dataset"]))
    manifest.write_table(store / manifest.DATASETS_PATH, DATASETS, rows)
    hashes = dict(files)
    if (store / manifest.STORE_PATH).is_file():
        previous = manifest.read_store(store)["files"]
        hashes |= {
            path: digest for path, digest in previous.items() if _dataset_of(path) not in built and _is_data(path)
        }
    hashes |= {path: sha256_of_file(store / path) for path in _tables(rows)}
    content = {
        "schema_version": SCHEMA_VERSION,
        "medseen_version": tool_version(),
        "profile": {"name": profile.name, "sha256": profile.sha256, "spacing_mm": profile.spacing_mm},
        "counts": {name: sum(row[name] for row in rows) for name in ("images", "masks", "patients", "rejections")}
        | {"datasets": len(rows)},
        "files": hashes,
    }
    write_json(store / manifest.STORE_PATH, content)


def tool_version() -> str:
    """Return medseen's version."""
    return version("medseen")


def _piece_path(store: Path, dataset: str, case_id: str) -> Path:
    return store / _PIECES / dataset / f"{case_id}.json"


def _rejection_rows(rejections: Iterable[Rejection]) -> list[dict[str, Any]]:
    return [rejection.row() for rejection in rejections]


def _dataset_row(
    recipe: Recipe,
    images: Sequence[Mapping[str, Any]],
    masks: Sequence[Mapping[str, Any]],
    rejections: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    facts = recipe.dataset
    return {
        "dataset": facts.id,
        "title": facts.title,
        "licence": facts.licence,
        "licence_evidence": facts.licence_evidence,
        "citation": facts.citation,
        "homepage": facts.homepage,
        "source": facts.source,
        "annotation": facts.annotation,
        "recipe_sha256": recipe.sha256,
        "images": len(images),
        "masks": len(masks),
        "patients": len({row["patient_id"] for row in images}),
        "rejections": len(rejections),
    }


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
            shutil.rmtree(path)


def _tables(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    names = [manifest.table_path(name, row["dataset"]) for row in rows for name in PER_DATASET]  # type: ignore[arg-type]
    return [manifest.DATASETS_PATH, *names]


def _dataset_of(path: str) -> str:
    return path.split("/")[1]


def _is_data(path: str) -> bool:
    return path.startswith(("images/", "labels/"))
