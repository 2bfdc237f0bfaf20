"""`run.json`: what a run is, so that its scores can be trusted, repeated and refused a second identity."""

import json
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from bench import protocols
from bench.models import AnyModel
from bench.suite import Suite, missing_datasets
from curate import manifest
from curate.errors import StoreError
from curate.files import sha256_of_file, write_json

_PACKAGES = ("medseen", "numpy", "scipy", "scikit-image", "edt", "connected-components-3d", "torch", "pyarrow")
_IDENTITY = ("model", "weights_sha256", "suite", "protocol", "store", "device")


def describe(suite: Suite, model: AnyModel, store: Path, *, device: str, limit: int | None) -> dict[str, Any]:
    """Return the record of a run that is about to start; nothing in it depends on time or worker count."""
    protocol = protocols.load(suite.protocol.name, suite.protocol.version, suite.protocol.parameters)
    content = manifest.read_store(store)
    datasets = manifest.read_datasets(store)
    card = asdict(model.card)
    card["capabilities"] = {key: sorted(value) for key, value in card["capabilities"].items()}
    return {
        "model": card,
        "weights_sha256": getattr(model, "weights_sha256", None),
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
        "device": device,
        "seeds": "SHA-256 of (protocol, version, dataset, image, target, step)",
        "versions": {"python": platform.python_version(), **_versions()},
        "commit": _commit(),
    }


def start(run: Path, record: Mapping[str, Any], *, check: bool) -> None:
    """Write `run.json`.

    Args:
        run: Folder of the run.
        record: From `describe`.
        check: Whether a run that is there must be the same one.

    Raises:
        StoreError: When the folder holds another run, or something that is no run.
    """
    path = run / "run.json"
    if path.is_file():
        found = read(run)
        differing = [key for key in _IDENTITY if found.get(key) != record[key]]
        if check and differing:
            raise StoreError(
                f"{run}: another run ({', '.join(differing)} differ); give another --out or --resume never"
            )
    elif run.is_dir() and any(run.iterdir()):
        raise StoreError(f"{run}: not empty and not a run; give a new folder with --out")
    write_json(path, record)


def read(run: Path) -> dict[str, Any]:
    """Return the record of a run.

    Raises:
        StoreError: When there is none, or it cannot be read.
    """
    try:
        content: dict[str, Any] = json.loads((run / "run.json").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise StoreError(
            f"{run}: no run here; make one with `bench run SUITE --model MODEL --store STORE --out {run}`"
        ) from error
    except (OSError, ValueError) as error:
        raise StoreError(f"{run}/run.json: cannot be read ({error})") from error
    return content


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
