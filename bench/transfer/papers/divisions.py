"""Seen and unseen targets as a paper divides them: by its own statement about a suite, where there is one."""

import numpy as np
from numpy.typing import NDArray

from bench.gap import Masks
from bench.transfer.reading import Study


def division(masks: Masks, study: Study) -> NDArray[np.str_]:
    """Return (masks,) seen, unseen or unknown.

    The paper's statement about a group of the suite decides; masks of groups without one are unknown. Where the suite
    states nothing at all, the answers of the run's own training card decide.
    """
    if not study.stated:
        return masks.frame["seen_target"].astype(str).to_numpy(dtype=np.str_)
    groups = masks.frame["suite_group"].astype(str)
    return groups.map(lambda group: study.stated.get(group, "unknown")).to_numpy(dtype=np.str_)


def says(study: Study) -> str:
    """Say who divides."""
    if study.stated:
        return f"Seen and unseen targets as the paper behind the suite {study.suite} states them."
    return "The suite states nothing, so the run's training card says which targets were seen."
