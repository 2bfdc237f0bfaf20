"""A session that segmented the whole image already, and is only told what to hand out."""

from collections.abc import Mapping
from dataclasses import dataclass

from bench.models.targets import told
from bench.records import Prompts
from curate.labelmap import BoxMask


@dataclass(frozen=True, slots=True, eq=False)
class ToldSession:
    """The masks of one image by target; they may overlap."""

    name: str
    masks: Mapping[str, BoxMask]

    def predict(self, prompts: Prompts) -> BoxMask:
        """Return the mask of the target.

        Raises:
            UnsupportedError: For a target that the model does not know, or without one.
        """
        return self.masks[told(self.name, prompts, self.masks)]
