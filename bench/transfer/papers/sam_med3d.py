"""Tables 3, 4 and 5 and figure 4 of SAM-Med3D (Wang et al., ECCV 2024 workshops)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench import published
from bench.gap import Masks
from bench.page.tables import Table
from bench.published import Result
from bench.transfer.findings import Findings
from bench.transfer.papers.by_part import STRUCTURE, Column, by_part
from bench.transfer.papers.by_prompt import Chooser, Layout, by_prompt
from bench.transfer.papers.divisions import division, says
from bench.transfer.reading import Study

_ORGANS = {
    "Abdomen, thorax": "abdomen_thorax",
    "Bone": "bone",
    "Brain": "brain",
    "Cardiac": "cardiac",
    "Muscle": "muscle",
    "Lesion": "lesion",
}
"""Columns of table 5 for seen targets -> anatomical group."""
_DICE = "Dice in per cent, mean over masks, failed = 0; in brackets 95 % intervals."


def tables(found: Sequence[Findings], study: Study) -> tuple[Table, ...]:
    """Lay out tables 3 to 5, and figure 4 as two tables."""
    return (
        table_3(found, study),
        table_4(found, study),
        table_5(found, study),
        figure_4_modalities(found, study),
        figure_4_targets(found, study),
    )


def table_3(found: Sequence[Findings], study: Study) -> Table:
    """Lay out seen, unseen and overall Dice by model and prompt; beside it what the training cards call seen."""
    columns: dict[str, Chooser] = {
        "Seen": lambda masks: division(masks, study) == "seen",
        "Unseen": lambda masks: division(masks, study) == "unseen",
        "Overall": _everything,
    }
    if _cards_differ(found, study):
        columns |= {f"{answer.capitalize()}, by card": _by_card(answer) for answer in ("seen", "unseen", "unknown")}
    keys = {"Seen": (None, "seen"), "Unseen": (None, "unseen"), "Overall": (None, "all")}
    caption = f"Layout of SAM-Med3D's table 3. {says(study)} {_DICE}"
    return by_prompt(
        Layout("Seen, unseen, overall", caption, columns, keys), found, study.strata, _of(study, "table 3")
    )


def table_4(found: Sequence[Findings], study: Study) -> Table:
    """Lay out Dice by dataset and modality: first and last step of each run, and the published models."""
    caption = f"Layout of SAM-Med3D's table 4: first and last prompts of each run. {_DICE}"
    names = ("dataset", "modality")
    return by_part("By dataset", caption, names, ends(found), study.strata, _of(study, "table 4"))


def table_5(found: Sequence[Findings], study: Study) -> Table:
    """Lay out Dice by anatomical group of seen targets, and of unseen organs and lesions."""
    columns: dict[str, Chooser] = {head: _of_group(group, study) for head, group in _ORGANS.items()}
    columns |= {"Unseen organ": _unseen(study, lesion=False), "Unseen lesion": _unseen(study, lesion=True)}
    keys: dict[str, tuple[str | None, str]] = {head: (group, "seen") for head, group in _ORGANS.items()}
    keys |= {"Unseen organ": ("organ", "unseen"), "Unseen lesion": ("lesion", "unseen")}
    caption = f"Layout of SAM-Med3D's table 5: seen targets by group, unseen ones in two. {says(study)} {_DICE}"
    layout = Layout("By anatomical group", caption, columns, keys, outside=True)
    return by_prompt(layout, found, study.strata, _of(study, "table 5"))


def figure_4_modalities(found: Sequence[Findings], study: Study) -> Table:
    """Lay out Dice by modality and prompt."""
    modalities = sorted(
        {str(name) for one in found for masks in one.masks.values() for name in masks.frame["modality"]}
    )
    columns: dict[str, Chooser] = {name: _have("modality", name) for name in modalities}
    caption = f"As SAM-Med3D's figure 4 compares modalities; its own values are printed nowhere. {_DICE}"
    return by_prompt(Layout("By modality and prompt", caption, columns, {}), found, study.strata)


def figure_4_targets(found: Sequence[Findings], study: Study) -> Table:
    """Lay out Dice by structure at the first step of each run."""
    caption = (
        "As SAM-Med3D's figure 4d compares targets: at the first step, left and right merged, numbered ribs and "
        f"vertebrae by what they are part of. {_DICE}"
    )
    first = [Column(one, one.series.steps[0]) for one in found]
    return by_part("By structure", caption, (STRUCTURE,), first, study.strata)


def ends(found: Sequence[Findings]) -> list[Column]:
    """Return the first and the last step of each run."""
    return [Column(one, step) for one in found for step in sorted({one.series.steps[0], one.series.last_step})]


def _of(study: Study, place: str) -> list[Result]:
    known = published.of_suite(study.suite)
    return [one for one in known if (one.paper, one.place, one.metric) == ("sam-med3d", place, "dice")]


def _cards_differ(found: Sequence[Findings], study: Study) -> bool:
    pairs = [(masks, masks.frame["seen_target"].astype(str)) for one in found for masks in one.masks.values()]
    return bool(study.stated) and any((division(masks, study) != answers.to_numpy()).any() for masks, answers in pairs)


def _everything(masks: Masks) -> NDArray[np.bool_]:
    return np.ones(len(masks.frame), dtype=np.bool_)


def _by_card(answer: str) -> Chooser:
    return _have("seen_target", answer)


def _have(column: str, value: str) -> Chooser:
    return lambda masks: masks.have(column, value)


def _of_group(group: str, study: Study) -> Chooser:
    return lambda masks: masks.have("anatomy_group", group) & (division(masks, study) == "seen")


def _unseen(study: Study, *, lesion: bool) -> Chooser:
    return lambda masks: (masks.have("kind", "lesion") == lesion) & (division(masks, study) == "unseen")
