"""Does a model keep its promises? Checked on phantoms, without data, in seconds; an author can fix from the table."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench import models
from bench.errors import UnsupportedError
from bench.models import AnyModel
from bench.models.base import ReferenceModel, Session, ask
from bench.records import Prompts
from curate.geometry import Geometry
from curate.labelmap import BoxMask
from curate.volume import Volume

_CLICK = (11, 13, 8)


@dataclass(frozen=True, slots=True, eq=False)
class _Phantom:
    """A bright ball on a grid, noisy outside."""

    image: Volume
    ball: BoxMask


def check(name: str, weights: Path | None = None, device: str = "cpu") -> list[dict[str, str]]:
    """Return a row per check: `check`, `result` (pass or fail) and `detail`.

    Raises:
        UsageError: When the model cannot be made.
    """
    model = models.load(name, weights, device)
    flat = 2 in model.card.capabilities.dimensions and 3 not in model.card.capabilities.dimensions
    phantom = _phantom(_grid(flat=flat))
    checks: dict[str, Callable[[], str | None]] = {
        "answers on the image's own grid": lambda: _own_grid(model, phantom),
        "takes flipped, oblique and anisotropic grids": lambda: _other_grid(model, flat=flat),
        "answers the same twice": lambda: _deterministic(model, phantom),
        "asked again from the start, answers the same": lambda: _stateless(model, phantom),
        "takes an image that is constant": lambda: _constant(model, phantom),
        "takes a click in a corner": lambda: _corner(model, phantom),
        "leaves the image as it was": lambda: _untouched(model, phantom),
    }
    return [_result(name, run) for name, run in checks.items()]


def _result(name: str, run: Callable[[], str | None]) -> dict[str, str]:
    try:
        problem = run()
    except UnsupportedError as error:
        problem = f"the card lists what the model refuses: {error}"
    except Exception as error:  # noqa: BLE001, whatever a model raises is its author's to see
        problem = f"{type(error).__name__}: {error}"
    return {"check": name, "result": "fail" if problem else "pass", "detail": problem or ""}


def _grid(*, flat: bool, oblique: bool = False) -> Geometry:
    affine = np.diag([1.5, 1.5, 1.5, 1.0])
    if oblique:
        c, s = np.cos(0.3), np.sin(0.3)
        affine[:3, :3] = np.array([[-c, s, 0], [-s, -c, 0], [0, 0, 1]]) @ np.diag([1.2, 1.7, 3.1])
        affine[:3, 3] = (30, -20, 100)
    return Geometry((24, 27, 1 if flat else 18), affine)


def _phantom(grid: Geometry) -> _Phantom:
    centre = np.minimum(_CLICK, np.array(grid.shape_ijk) - 1)
    voxels = np.stack(np.meshgrid(*[np.arange(n) for n in grid.shape_ijk], indexing="ij"), axis=-1)
    offset = (voxels - centre) * np.array(grid.spacing)
    ball = (offset**2).sum(axis=-1) <= 9.0**2
    noise = np.random.default_rng(0).normal(0, 5, grid.shape_ijk)
    return _Phantom(Volume(np.where(ball, 200, 40) + noise.astype(np.float32), grid), BoxMask.of(ball))


def _open(model: AnyModel, phantom: _Phantom) -> Session:
    if isinstance(model, ReferenceModel):
        return model.open_with_references(phantom.image, {"target": phantom.ball})
    return model.open(phantom.image)


def _ask(model: AnyModel, phantom: _Phantom, prompts: Prompts) -> BoxMask:
    return ask(_open(model, phantom), [prompts])[0]


def _click(phantom: _Phantom) -> Prompts:
    i, j, k = np.minimum(_CLICK, np.array(phantom.image.geometry.shape_ijk) - 1)
    return Prompts("target").with_point((int(i), int(j), int(k)), 1)


def _own_grid(model: AnyModel, phantom: _Phantom) -> str | None:
    answer = _ask(model, phantom, _click(phantom))
    if not isinstance(answer, BoxMask) or answer.shape_ijk != phantom.image.geometry.shape_ijk:
        found = getattr(answer, "shape_ijk", type(answer).__name__)
        return f"found {found}, expected a BoxMask of {phantom.image.geometry.shape_ijk}"
    return None


def _other_grid(model: AnyModel, *, flat: bool) -> str | None:
    return _own_grid(model, _phantom(_grid(flat=flat, oblique=True)))


def _deterministic(model: AnyModel, phantom: _Phantom) -> str | None:
    first, second = (_ask(model, phantom, _click(phantom)) for _ in range(2))
    return None if (first.full() == second.full()).all() else "two sessions gave different masks for one click"


def _stateless(model: AnyModel, phantom: _Phantom) -> str | None:
    one = _click(phantom)
    two = one.with_point((2, 2, 0), 0)
    session = _open(model, phantom)
    ask(session, [one])
    step_by_step = ask(session, [two])[0]
    at_once = ask(_open(model, phantom), [two])[0]
    same = (step_by_step.full() == at_once.full()).all()
    return None if same else "two clicks in one call differ from the same clicks in two calls"


def _constant(model: AnyModel, phantom: _Phantom) -> str | None:
    image = Volume(np.zeros_like(phantom.image.voxels), phantom.image.geometry)
    return _own_grid(model, _Phantom(image, phantom.ball))


def _corner(model: AnyModel, phantom: _Phantom) -> str | None:
    answer = _ask(model, phantom, Prompts("target").with_point((0, 0, 0), 1))
    return None if answer.shape_ijk == phantom.image.geometry.shape_ijk else "the mask's grid is not the image's"


def _untouched(model: AnyModel, phantom: _Phantom) -> str | None:
    before = phantom.image.voxels.copy()
    _ask(model, phantom, _click(phantom))
    return None if (before == phantom.image.voxels).all() else "the model changed the image's voxels in place"
