"""Which masks are looked at: for each model the best, the median and the worst that it answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bench.finished import FinishedRun

PLACES: Final = ("best", "median", "worst")


@dataclass(frozen=True, slots=True)
class Chosen:
    """One mask, and what it is of which models."""

    mask_id: str
    image_id: str
    dataset: str
    target: str
    modality: str
    kind: str
    step: int
    seed: int
    places: Mapping[str, tuple[str, ...]]
    """Model -> best, median or worst; a model with few masks has one mask at several places."""
    dice: Mapping[str, float]
    """Model -> Dice, for the models of `places`."""


def choose(runs: Sequence[FinishedRun]) -> tuple[Chosen, ...]:
    """Choose masks by Dice at the last step of the first seed, ties by mask_id; each is listed once, sorted.

    The median is an existing mask: of an even number the lower one of the two in the middle. Runs of versions that
    wrote no image or target of a mask give none.
    """
    found: dict[str, dict[str, list[str]]] = {}
    facts: dict[str, dict[str, object]] = {}
    dice: dict[str, dict[str, float]] = {}
    for run in runs:
        for place, row in _places(run).items():
            mask_id = str(row["mask_id"])
            facts.setdefault(mask_id, row)
            found.setdefault(mask_id, {}).setdefault(run.model, []).append(place)
            dice.setdefault(mask_id, {})[run.model] = float(str(row["dice"]))
    return tuple(
        Chosen(
            mask_id=mask_id,
            step=int(str(facts[mask_id]["step"])),
            seed=int(str(facts[mask_id]["seed"])),
            places={model: tuple(places) for model, places in found[mask_id].items()},
            dice=dice[mask_id],
            **{name: str(facts[mask_id][name]) for name in ("image_id", "dataset", "target", "modality", "kind")},
        )
        for mask_id in sorted(found)
    )


def _places(run: FinishedRun) -> dict[str, dict[str, object]]:
    """Return the rows of the best, the median and the worst mask; empty where no mask was answered."""
    rows = run.scores
    last = (rows["step"] == rows["step"].max()) & (rows["seed"] == rows["seed"].min())
    answered = rows[last & (rows["status"] == "ok")].dropna(subset=["dice", "image_id", "target"])
    if answered.empty:
        return {}
    down = answered.assign(mask_id=answered["mask_id"].astype(str)).sort_values(
        ["dice", "mask_id"], ascending=[False, True]
    )
    up = down.sort_values(["dice", "mask_id"])
    picked = (down.iloc[0], up.iloc[(len(up) - 1) // 2], up.iloc[0])
    return {place: {str(name): row[name] for name in row.index} for place, row in zip(PLACES, picked, strict=True)}
