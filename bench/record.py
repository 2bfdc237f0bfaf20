"""`run.json`: what a run is, so that its scores can be trusted, repeated and refused a second identity."""

import json
import math
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from bench import protocols
from bench.models import AnyModel, source_sha256
from bench.models.choice import Choice, presented
from bench.suite import Suite, missing_datasets
from curate import manifest
from curate.errors import StoreError
from curate.files import TEMPORARY_PREFIX, sha256_of_file, write_json

_PACKAGES = ("medseen", "numpy", "scipy", "scikit-image", "edt", "connected-components-3d", "torch", "pyarrow")
_IDENTITY = ("model", "model_source_sha256", "weights_sha256", "suite", "protocol", "store", "device")
_FILE = "run.json"


def describe(suite: Suite, model: AnyModel, choice: Choice, store: Path, limit: int | None) -> dict[str, Any]:
    """Return the record of a run that is about to start; nothing in it depends on time or worker count.

    The model's part has `options` only where some were given.
    """
    protocol = suite.protocol.load()
    content = manifest.read_store(store)
    datasets = manifest.read_datasets(store)
    card = asdict(presented(model.card, choice))
    card["capabilities"] = {key: sorted(value) for key, value in card["capabilities"].items()}
    return {
        "model": card | ({"options": json.loads(json.dumps(dict(choice.options)))} if choice.options else {}),
        "model_source_sha256": source_sha256(choice.name),
        "weights_sha256": _weights_sha256(model, choice.weights),
        "suite": {
            "name": suite.name,
            "version": suite.version,
            "sha256": suite.sha256,
            "content": suite.model_dump(mode="json", by_alias=True),
        },
        "protocol": {
            "name": protocol.name,
            "version": protocol.version,
            "parameters": protocol.parameters,
            "sha256": protocols.sha256(protocol),
        },
        "store": {"profile": content["profile"]["name"], "sha256": sha256_of_file(store / manifest.STORE_PATH)},
        "store_path": str(store),
        "datasets": [{key: row[key] for key in ("dataset", "title", "licence", "citation")} for row in datasets],
        "missing_datasets": missing_datasets(suite, [row["dataset"] for row in datasets]),
        "limit": limit,
        "device": choice.device,
        "seeds": "SHA-256 of (protocol, version, dataset, image, target, step, and the seed where it is not 0)",
        "versions": {"python": platform.python_version(), **_versions()},
        "commit": _commit(),
    }


def start(run: Path, record: Mapping[str, Any], resume: str) -> None:
    """Write `run.json`, if the folder may become or stay this run.

    Args:
        run: Folder of the run.
        record: From `describe`.
        resume: missing: a run that is there must be the same one; never, always: it need not.

    Raises:
        StoreError: When the folder holds another run, one of more images, or something that is no run.
    """
    if not (run / _FILE).is_file():
        if any(not path.name.startswith(TEMPORARY_PREFIX) for path in run.iterdir()):
            raise StoreError(f"{run}: not empty and not a run; give a new folder with --out")
    elif resume != "never":
        _check_same(run, read(run), record, resume)
    write_json(run / _FILE, record)


def _check_same(run: Path, found: Mapping[str, Any], record: Mapping[str, Any], resume: str) -> None:
    differing = [key for key in _IDENTITY if found.get(key) != record[key]]
    differing += ["medseen"] if found["versions"].get("medseen") != record["versions"]["medseen"] else []
    if resume == "missing" and differing:
        raise StoreError(f"{run}: another run ({', '.join(differing)} differ); give another --out or --resume never")
    before, now = found["limit"] or math.inf, record["limit"] or math.inf
    if now < before:
        raise StoreError(
            f"{run}: was started on {found['limit'] or 'all'} images; leave --limit out or give no smaller one, "
            "another --out, or --resume never"
        )


def read(run: Path) -> dict[str, Any]:
    """Return the record of a run.

    Raises:
        StoreError: When there is none, or it cannot be read.
    """
    try:
        content: dict[str, Any] = json.loads((run / _FILE).read_text(encoding="utf-8"))
        lacking = sorted({*_IDENTITY, "store_path", "versions", "limit"} - content.keys())
    except FileNotFoundError as error:
        raise StoreError(
            f"{run}: no run here; make one with `bench run SUITE --model MODEL --store STORE --out {run}`"
        ) from error
    except (OSError, ValueError, AttributeError) as error:
        raise StoreError(f"{run}/{_FILE}: cannot be read ({error}); give another folder") from error
    if lacking:
        raise StoreError(f"{run}/{_FILE}: lacks {', '.join(lacking)}; run again with --resume never")
    return content


def _weights_sha256(model: AnyModel, weights: Path | None) -> str | None:
    """Return the digest that the model states, else that of the file that it was given."""
    stated = getattr(model, "weights_sha256", None)
    if stated is not None or weights is None:
        return None if stated is None else str(stated)
    return sha256_of_file(weights) if weights.is_file() else None


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _commit() -> str | None:
    """Return the commit of the checkout that medseen runs from, with `+` after it when files differ; else None."""
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return None
    try:
        commit = _git(root, "rev-parse", "HEAD")
        return commit + ("+" if _git(root, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603, S607, fixed arguments
