"""What the lines of the protocol say, version 1: cards, images, prompts, masks and errors as JSON."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.errors import UnsupportedError
from bench.models.base import Capabilities, ModelCard
from bench.models.process import arrays
from bench.models.process.program import ProgramError
from bench.records import Prompts
from curate.geometry import Geometry
from curate.labelmap import BoxMask
from curate.volume import Volume

NAME = "medseen-model"
VERSION = 1
_WORDS = ("name", "description", "licence")
_KINDS = frozenset({"points", "box", "boxes", "scribble", "lasso", "previous", "target"})


def card_of(reply: Mapping[str, Any]) -> ModelCard:
    """Read the card of a hello.

    Raises:
        ProgramError: For another version, or a card that lacks or misspells something.
    """
    if reply.get("version") != VERSION:
        raise ProgramError(f"speaks version {reply.get('version')!r:.40} of the protocol, expected {VERSION}")
    card = reply.get("card")
    if not isinstance(card, dict):
        raise ProgramError(f"says hello with the card {card!r:.80}, expected an object")
    for word in _WORDS:
        if not isinstance(card.get(word), str) or not card[word]:
            raise ProgramError(f"card: `{word}` must be a word, found {card.get(word)!r:.80}")
    for word in ("training_card", "weights"):
        if not isinstance(card.get(word), str | None):
            raise ProgramError(f"card: `{word}` must be a word or null, found {card[word]!r:.80}")
    dimensions = _some(card, "dimensions", [2, 3], frozenset({2, 3}))
    prompts = _some(card, "prompts", ["points"], _KINDS)
    targets = _some(card, "targets", [], None)
    return ModelCard(
        card["name"],
        card["description"],
        card["licence"],
        Capabilities(dimensions, prompts, targets),
        training_card=card.get("training_card"),
        weights=card.get("weights"),
    )


def image_fields(image: Volume, name: str) -> dict[str, Any]:
    """Describe an image whose voxels stand in a file of the shared folder."""
    grid = image.geometry
    return {"file": name, "shape": list(image.voxels.shape), "affine": grid.affine.tolist(), "unit": grid.unit}


def prompt_fields(prompts: Prompts, folder: Path, name: str) -> dict[str, Any]:
    """Describe the prompts of one target; a previous mask goes into a file of the shared folder."""
    previous = None
    if prompts.previous is not None:
        arrays.write(folder / name, prompts.previous.voxels)
        previous = {"box": [int(n) for n in prompts.previous.box], "file": name}
    return {
        "key": prompts.key,
        "points_ijk": prompts.points_ijk.tolist(),
        "labels": prompts.labels.tolist(),
        "box": None if prompts.box is None else [int(n) for n in prompts.box],
        "boxes": [[int(n) for n in box] for box in prompts.boxes],
        "strokes": [
            {"tool": one.tool, "voxels_ijk": one.voxels_ijk.tolist(), "label": int(one.label)}
            for one in prompts.strokes
        ],
        "target": prompts.target,
        "previous": previous,
    }


def mask_of(answer: Any, folder: Path, grid: Geometry) -> BoxMask:
    """Read a mask; whether it fits the grid is for `bench.models.base.as_mask` to say.

    Raises:
        ProgramError: When it is none.
    """
    box = answer.get("box") if isinstance(answer, dict) else None
    if not isinstance(box, list) or len(box) != 6 or any(type(n) is not int for n in box):
        raise ProgramError(f"answered with the mask {answer!r:.80}, expected a `box` of six whole numbers and a `file`")
    i0, j0, k0, i1, j1, k1 = box
    if answer.get("file") is None and i0 == i1:
        return BoxMask.empty(grid.shape_ijk)
    size = grid.shape_ijk[0] * grid.shape_ijk[1] * grid.shape_ijk[2]
    return BoxMask(grid.shape_ijk, (i0, j0, k0, i1, j1, k1), arrays.take(folder, answer.get("file"), size))


def error_of(reply: Mapping[str, Any]) -> Exception | None:
    """Return the error that an answer carries, as the exception that becomes its status; None where it carries none."""
    error = reply.get("error")
    if error is None:
        return None
    if not isinstance(error, dict):
        return ProgramError(f"answered with the error {error!r:.80}, expected an object")
    kinds = {"unsupported": UnsupportedError, "out_of_memory": MemoryError, "timeout": TimeoutError}
    kind: type[Exception] = kinds.get(str(error.get("kind")), ProgramError)
    return kind(str(error.get("message", "")) or "no message")


def _some(card: Mapping[str, Any], word: str, default: list[Any], known: frozenset[Any] | None) -> frozenset[Any]:
    """Return a list of a card as a set; `known` None takes any words."""
    found = card.get(word, default)
    fits = isinstance(found, list) and all(isinstance(one, str) if known is None else one in known for one in found)
    if not fits or (known is not None and not found):
        expected = "slugs" if known is None else f"some of {sorted(known)}"
        raise ProgramError(f"card: `{word}` must be a list of {expected}, found {found!r:.80}")
    return frozenset(found)
