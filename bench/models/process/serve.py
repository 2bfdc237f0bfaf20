"""The other side of `exec:COMMAND`: makes a program of a model. Python 3.8 and numpy are all that it needs.

Works from where it lies, `from bench.models.process.serve import serve`, and as a copy of this one file beside your
program. Whatever the model prints goes to standard error.
"""

from __future__ import annotations

import inspect
import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

VERSION = 1
CARD = ("name", "description", "licence", "dimensions", "prompts", "targets", "training_card", "weights")


class UnsupportedError(Exception):
    """Raise it for an image or a prompt that the model does not take."""


class Image:
    """What `open` gets."""

    def __init__(self, voxels: np.ndarray, affine: np.ndarray, unit: str) -> None:
        self.voxels = voxels
        """(i, j, k), or (i, j, k, channel) for colour."""
        self.affine = affine
        """(4, 4), voxel index to RAS+ millimetres."""
        self.unit = unit
        """`mm`, or `pixel` where the source states no spacing."""

    @property
    def geometry(self) -> Image:
        """The image itself, so that `image.geometry.shape_ijk` is there as it is in process."""
        return self

    @property
    def shape_ijk(self) -> tuple[int, ...]:
        """Voxels along i, j, k."""
        return tuple(self.voxels.shape[:3])

    @property
    def spacing(self) -> tuple[float, ...]:
        """Distance between voxel centres along i, j, k, in `unit`."""
        return tuple(float(length) for length in np.linalg.norm(self.affine[:3, :3], axis=0))

    def grey(self) -> np.ndarray:
        """Return (i, j, k) intensities; colour becomes its luma (ITU-R BT.601)."""
        if self.voxels.ndim == 3:
            return self.voxels
        return self.voxels[..., :3].astype(np.float32) @ np.array([0.299, 0.587, 0.114], dtype=np.float32)


class Stroke:
    """A scribble inside a region, or a lasso around it."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self.tool = fields["tool"]
        """`scribble` or `lasso`."""
        self.voxels_ijk = np.array(fields["voxels_ijk"], dtype=np.int64).reshape(-1, 3)
        """(n, 3) voxel indices."""
        self.label = fields["label"]
        """1 for the target, 0 for what is not."""


class Prompts:
    """What `predict` gets: all that has been shown of one target so far."""

    def __init__(self, fields: dict[str, Any], image: Image, folder: Path) -> None:
        self.key = fields["key"]
        """Tells the targets of one image apart."""
        self.points_ijk = np.array(fields["points_ijk"], dtype=np.int64).reshape(-1, 3)
        """(n, 3) voxel indices, oldest first."""
        self.labels = np.array(fields["labels"], dtype=np.int64)
        """(n,): 1 inside the target, 0 outside."""
        self.box = None if fields.get("box") is None else tuple(fields["box"])
        """Half-open box in voxels, i0 j0 k0 i1 j1 k1, or None."""
        self.boxes = [tuple(box) for box in fields.get("boxes", [])]
        """Half-open boxes one slice thick."""
        self.strokes = [Stroke(stroke) for stroke in fields.get("strokes", [])]
        """Scribbles and lassos, oldest first."""
        self.target = fields.get("target")
        """Vocabulary slug, or None."""
        self.previous = _full(fields.get("previous"), image.shape_ijk, folder)
        """A mask to start from, (i, j, k) booleans, or None."""

    @property
    def kinds(self) -> frozenset[str]:
        """Which kinds of prompt are present, in the words of a card."""
        shown = {"points": len(self.labels), "box": self.box, "boxes": self.boxes, "target": self.target}
        kinds = {kind for kind, value in shown.items() if value} | {stroke.tool for stroke in self.strokes}
        return frozenset(kinds if self.previous is None else kinds | {"previous"})


def serve(make: Callable[..., Any]) -> None:
    """Answer requests on standard input until it ends.

    Args:
        make: A class or function that makes the model; called with `weights` and `device` where it takes them. A model
            has `card`, a dict with the words of CARD (or a `bench.models.base.ModelCard`), and `open(image)`, whose
            result has `predict(prompts)` and may have `predict_many(list of prompts)`. A mask is an array of the
            image's shape, or (box, voxels in the box).
    """
    requests, answers = os.fdopen(os.dup(0), encoding="utf-8"), os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.dup2(2, 1)
    server = _Server(make)
    for line in requests:
        request = json.loads(line)
        try:
            reply = server.answer(request)
        except (Exception, SystemExit) as error:  # noqa: BLE001, whatever it is becomes an answer
            traceback.print_exc(file=sys.stderr)
            reply = {"error": {"kind": _kind(error), "message": _message(error)}}
        answers.write(json.dumps({"id": request.get("id"), **reply}) + "\n")
        answers.flush()


class _Server:
    """The model and the images that it has open."""

    def __init__(self, make: Callable[..., Any]) -> None:
        self.make = make
        self.model: Any = None
        self.folder = Path()
        self.sessions: dict[str, tuple[Image, Any]] = {}

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to one request."""
        kinds = {"hello": self.hello, "open": self.open, "predict": self.predict, "close": self.close}
        return kinds[request["request"]](request)

    def hello(self, request: dict[str, Any]) -> dict[str, Any]:
        """Make the model."""
        if request["version"] != VERSION:
            raise ValueError(f"this program speaks version {VERSION} of the protocol")
        self.folder = Path(request["folder"])
        self.model = self.make(**_options(self.make, request))
        reply = {"version": VERSION, "card": _card(self.model.card), "seconds": getattr(self.model, "seconds", {})}
        return {**reply, "weights_sha256": getattr(self.model, "weights_sha256", None)}

    def open(self, request: dict[str, Any]) -> dict[str, Any]:
        """Open the model on an image."""
        fields = request["image"]
        voxels = np.load(self.folder / fields["file"], mmap_mode="c", allow_pickle=False)
        image = Image(np.asarray(voxels), np.array(fields["affine"], dtype=np.float64), fields["unit"])
        self.sessions[request["session"]] = (image, self.model.open(image))
        return {}

    def predict(self, request: dict[str, Any]) -> dict[str, Any]:
        """Ask for the masks of some targets."""
        image, session = self.sessions[request["session"]]
        shown = [Prompts(fields, image, self.folder) for fields in request["prompts"]]
        if len(shown) > 1 and hasattr(session, "predict_many"):
            masks = session.predict_many(shown)
        else:
            masks = [session.predict(one) for one in shown]
        boxed = [_boxed(mask, image.shape_ijk) for mask in masks]
        name = "answer-{}-{}.npy"
        return {"masks": [self._written(*one, name.format(request["id"], n)) for n, one in enumerate(boxed)]}

    def close(self, request: dict[str, Any]) -> dict[str, Any]:
        """Forget an image."""
        self.sessions.pop(request["session"], None)
        return {}

    def _written(self, box: tuple[int, ...], voxels: np.ndarray, name: str) -> dict[str, Any]:
        if voxels.size == 0:
            return {"box": [0, 0, 0, 0, 0, 0], "file": None}
        np.save(self.folder / name, np.ascontiguousarray(voxels), allow_pickle=False)
        return {"box": [int(n) for n in box], "file": name}


def _options(make: Callable[..., Any], request: dict[str, Any]) -> dict[str, Any]:
    """Return `weights` and `device` for a model that takes them; weights for one that does not are refused."""
    parameters = inspect.signature(make).parameters
    anything = any(one.kind is one.VAR_KEYWORD for one in parameters.values())
    takes = {name: request.get(name) for name in ("weights", "device") if anything or name in parameters}
    if request.get("weights") is not None and "weights" not in takes:
        raise ValueError("the model has no weights; leave --weights out")
    return takes


def _card(card: Any) -> dict[str, Any]:
    if isinstance(card, dict):
        return {name: _plain(card[name]) for name in CARD if name in card}
    capabilities = card.capabilities
    return {name: _plain(getattr(capabilities if hasattr(capabilities, name) else card, name)) for name in CARD}


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, (set, frozenset, tuple, list)) else value


def _full(previous: dict[str, Any] | None, shape_ijk: tuple[int, ...], folder: Path) -> np.ndarray | None:
    if previous is None:
        return None
    mask = np.zeros(shape_ijk, dtype=bool)
    i0, j0, k0, i1, j1, k1 = previous["box"]
    mask[i0:i1, j0:j1, k0:k1] = np.load(folder / previous["file"], allow_pickle=False)
    return mask


def _boxed(mask: Any, shape_ijk: tuple[int, ...]) -> tuple[tuple[int, ...], np.ndarray]:
    """Return a mask as its box and the voxels in it."""
    if hasattr(mask, "box") and hasattr(mask, "voxels"):
        return mask.box, np.asarray(mask.voxels)
    if isinstance(mask, tuple) and len(mask) == 2:
        return mask[0], np.asarray(mask[1])
    full = np.asarray(mask)
    if full.shape != shape_ijk:
        raise ValueError(f"the mask is {full.dtype} of shape {full.shape}, expected {shape_ijk}")
    if full.dtype.kind == "f" and not ((full == 0) | (full == 1)).all():
        raise ValueError("the mask holds values other than 0 and 1: apply the model's threshold")
    inside: np.ndarray = full if full.dtype == bool else np.not_equal(full, 0)
    plane: np.ndarray = np.any(inside, axis=0)
    ranges = [_range(np.any(inside, axis=(1, 2))), _range(np.any(plane, axis=1)), _range(np.any(plane, axis=0))]
    (i0, i1), (j0, j1), (k0, k1) = ranges
    return (i0, j0, k0, i1, j1, k1), inside[i0:i1, j0:j1, k0:k1]


def _range(hits: Any) -> tuple[int, int]:
    """Return the first of some hits and one after the last; twice 0 where there are none."""
    places = np.flatnonzero(hits)
    return (int(places[0]), int(places[-1]) + 1) if places.size else (0, 0)


def _kind(error: BaseException) -> str:
    name = type(error).__name__
    if name == "UnsupportedError":
        return "unsupported"
    if isinstance(error, MemoryError) or name == "OutOfMemoryError":
        return "out_of_memory"
    return "timeout" if isinstance(error, TimeoutError) else "failed"


def _message(error: BaseException) -> str:
    return str(error) if _kind(error) == "unsupported" else f"{type(error).__name__}: {error}"
