"""The tables of SAM-UNet (arXiv 2408.09886, version 1, 2024) by modality.

Its tables could not be read; what is known is the abstract, and that its scripts evaluate every modality by itself with
the box of the largest region (test_model_of_diff_mod_on_test_set.py of Hhankyangg/sam-unet at a0b84c5). The rows follow
the scripts.
"""

from collections.abc import Sequence

from bench import published
from bench.page.tables import Table
from bench.transfer.findings import Findings
from bench.transfer.papers.by_part import Column, by_part
from bench.transfer.papers.prompts import BOX, prompt_of
from bench.transfer.papers.sam_med3d import ends
from bench.transfer.reading import Study


def tables(found: Sequence[Findings], study: Study) -> tuple[Table, ...]:
    """Lay out Dice by modality: boxes where runs have them, else the first and last prompts of every run."""
    boxes = [Column(one, step) for one in found for step in one.series.steps if prompt_of(one.series, step) == BOX]
    results = [one for one in published.of_suite(study.suite) if one.paper == "sam-unet" and one.metric == "dice"]
    shown = "boxes, as in the paper" if boxes else "no run here shows a box, as the paper does; clicks stand instead"
    caption = (
        f"By modality, as SAM-UNet's scripts evaluate: {shown}. Dice in per cent, mean over masks, failed = 0; in "
        "brackets 95 % intervals."
    )
    return (by_part("By modality", caption, ("modality",), boxes or ends(found), study.strata, results),)
