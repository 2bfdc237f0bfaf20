"""Does a model keep its promises? Checked on phantoms, without data, in seconds; an author can fix from the table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench import models
from bench.answers import answers
from bench.errors import UnsupportedError
from bench.models import AnyModel
from bench.models.base import ReferenceModel, Session
from bench.records import Prompts
from curate.geometry import Box, Geometry
from curate.labelmap import BoxMask
from curate.volume import Volume

_CLICK = (11, 13, 8)
_OUTSIDE = (2, 2, 0)
_RADIUS_MM = 9.0
_KEYS = ("one", "two")


@dataclass(frozen=True, slots=True, eq=False)
class _Phantom:
    """A bright ball on a grid, noisy outside."""

    image: Volume
    ball: BoxMask


@dataclass(frozen=True, slots=True, eq=False)
class _Checked:
    """A model, and the phantom and prompts that its card says it takes."""

    model: AnyModel
    phantom: _Phantom

    @property
    def flat(self) -> bool:
        """True for models that take single slices only."""
        return self.model.card.capabilities.dimensions == frozenset({2})

    def prompts(self, key: str = _KEYS[0]) -> Prompts:
        """Return a click on the ball's centre, its box, or both."""
        kinds = self.model.card.capabilities.prompts
        box: Box | None = self.phantom.ball.box if "box" in kinds else None
        shown = Prompts(key, box=box)
        return shown.with_point(_inside(self.phantom.image.geometry, _CLICK), 1) if "points" in kinds else shown

    def open(self, image: Volume | None = None) -> Session:
        """Open the model on the phantom, or on another image of its grid."""
        image = image or self.phantom.image
        if isinstance(self.model, ReferenceModel):
            return self.model.open_with_references(image, dict.fromkeys(_KEYS, self.phantom.ball))
        return self.model.open(image)

    def ask(self, session: Session, prompts: Sequence[Prompts]) -> list[BoxMask]:
        """Return the answers to some prompts, or raise the first error among them."""
        found = answers(session, prompts, self.phantom.image.geometry.shape_ijk)
        for answer in found:
            if answer.error is not None:
                raise answer.error
        return [answer.mask for answer in found if answer.mask is not None]


def check(name: str, weights: Path | None = None, device: str = "auto") -> list[dict[str, str]]:
    """Return a row per check: `check`, `result` (pass or fail) and `detail`.

    Args:
        name: As for `bench.models.load`.
        weights: Checkpoint, for models that need one.
        device: `auto`, `cpu` or `cuda`.

    Raises:
        UsageError: When the model cannot be made.
    """
    model = models.load(name, weights, models.device_for(name, device))
    flat = model.card.capabilities.dimensions == frozenset({2})
    straight = _Checked(model, _phantom(_grid(flat=flat)))
    oblique = _Checked(model, _phantom(_grid(flat=flat, oblique=True)))
    checks: dict[str, Callable[[], str | None]] = {
        "answers on the image's own grid": lambda: _answers(straight),
        "takes flipped, oblique and anisotropic grids": lambda: _answers(oblique),
        "answers the same twice": lambda: _repeats(straight),
        "asked again from the start, answers the same": lambda: _goes_on(straight),
        "answers several targets as it answers each": lambda: _batches(straight),
        "takes an image that is constant": lambda: _constant(straight),
        "takes a click in a corner": lambda: _corner(straight),
        "leaves the image as it was": lambda: _untouched(straight),
    }
    return [_result(what, run) for what, run in checks.items()]


def _result(what: str, run: Callable[[], str | None]) -> dict[str, str]:
    try:
        problem = run()
    except UnsupportedError as error:
        problem = f"the card lists what the model refuses: {error}"
    except (Exception, SystemExit) as error:  # noqa: BLE001, whatever a model raises is its author's to see
        problem = f"{type(error).__name__}: {' '.join(str(error).split())}"
    return {"check": what, "result": "fail" if problem else "pass", "detail": problem or ""}


def _grid(*, flat: bool, oblique: bool = False) -> Geometry:
    affine = np.diag([1.5, 1.5, 1.5, 1.0])
    if oblique:
        c, s = np.cos(0.3), np.sin(0.3)
        affine[:3, :3] = np.array([[-c, s, 0], [-s, -c, 0], [0, 0, 1]]) @ np.diag([1.2, 1.7, 3.1])
        affine[:3, 3] = (30, -20, 100)
    return Geometry((24, 27, 1 if flat else 18), affine)


def _inside(grid: Geometry, point: Sequence[int]) -> tuple[int, int, int]:
    i, j, k = (min(n, size - 1) for n, size in zip(point, grid.shape_ijk, strict=True))
    return i, j, k


def _phantom(grid: Geometry) -> _Phantom:
    voxels = np.stack(np.meshgrid(*[np.arange(n) for n in grid.shape_ijk], indexing="ij"), axis=-1)
    offset = (voxels - _inside(grid, _CLICK)) * np.array(grid.spacing)
    ball = (offset**2).sum(axis=-1) <= _RADIUS_MM**2
    noise = np.random.default_rng(0).normal(0, 5, grid.shape_ijk)
    return _Phantom(Volume((np.where(ball, 200, 40) + noise).astype(np.float32), grid), BoxMask.of(ball))


def _answers(one: _Checked) -> str | None:
    one.ask(one.open(), [one.prompts()])
    return None


def _repeats(one: _Checked) -> str | None:
    first, second = (one.ask(one.open(), [one.prompts()])[0] for _ in range(2))
    return None if _same(first, second) else "two sessions gave different masks for the same prompts"


def _goes_on(one: _Checked) -> str | None:
    start = one.prompts()
    then = start.with_point(_OUTSIDE, 0) if start.kinds >= {"points"} else start
    session = one.open()
    one.ask(session, [start])
    step_by_step = one.ask(session, [then])[0]
    at_once = one.ask(one.open(), [then])[0]
    return None if _same(step_by_step, at_once) else "two clicks in one call differ from the same clicks in two calls"


def _batches(one: _Checked) -> str | None:
    prompts = [one.prompts(key) for key in _KEYS]
    together = one.ask(one.open(), prompts)
    alone = [one.ask(one.open(), [prompt])[0] for prompt in prompts]
    same = all(_same(a, b) for a, b in zip(together, alone, strict=True))
    return None if same else "a target's mask depends on which others are asked for with it"


def _constant(one: _Checked) -> str | None:
    image = Volume(np.zeros_like(one.phantom.image.voxels), one.phantom.image.geometry)
    one.ask(one.open(image), [one.prompts()])
    return None


def _corner(one: _Checked) -> str | None:
    if "points" in one.model.card.capabilities.prompts:
        one.ask(one.open(), [Prompts(_KEYS[0], box=one.prompts().box).with_point((0, 0, 0), 1)])
    return None


def _untouched(one: _Checked) -> str | None:
    before = one.phantom.image.voxels.copy()
    one.ask(one.open(), [one.prompts()])
    same = (before == one.phantom.image.voxels).all()
    one.phantom.image.voxels[...] = before
    return None if same else "the model changed the image's voxels in place"


def _same(one: BoxMask, other: BoxMask) -> bool:
    return one.box == other.box and bool((one.voxels == other.voxels).all())
