"""`ritm`: clicks deep inside the larger of what is missed and what is too much."""

from typing import Annotated, ClassVar

from pydantic import Field

from bench.protocols.clicking import Clicking
from bench.protocols.key import Key
from bench.protocols.picking import Picker, half_depth, uniform


class Ritm(Clicking):
    """One click a step, deeper than half of the depth of the deeper side of the error, missed or excess.

    Depth is the distance to the nearest voxel that is not of that side; beyond the image is not. Where both sides are
    equally deep, the excess is clicked. Source: the training clicks of RITM (Sofiiuk et al. 2021) as SAM-Med3D's
    utils/click_method.py has them in 3D; its validation.py up to April 2025 clicks so twice and then at random
    (`deep_clicks = 2`, `points = "newest"`).
    """

    name: ClassVar[str] = "ritm"

    deep_clicks: Annotated[int, Field(ge=1)] | None = None
    """After so many clicks the others are uniform in the error; None for never."""

    def picker(self, key: Key) -> Picker:
        """Return the deep click, or the uniform one after `deep_clicks`."""
        return half_depth if self.deep_clicks is None or key.step <= self.deep_clicks else uniform
