"""The images of one or more stores, with what is said of a pair of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from curate import manifest


@dataclass(frozen=True, slots=True, order=True)
class ImageRef:
    """One image of one store, with what its tables say."""

    store: str
    """The store as it was given."""
    image_id: str
    dataset: str
    patient_id: str
    split: str
    path: str
    """Relative to the store."""
    voxel_sha256: str

    @property
    def file(self) -> Path:
        """Where its voxels lie."""
        return Path(self.store) / self.path


def listed(stores: Sequence[Path]) -> list[ImageRef]:
    """Return every image of the stores, sorted.

    Raises:
        StoreError: When one of them is no finished store.
    """
    found = []
    for store in dict.fromkeys(stores):
        splits = {row["image_id"]: row["split"] for row in manifest.read_table(store, "splits").to_pylist()}
        found += [
            ImageRef(
                str(store),
                row["image_id"],
                row["dataset"],
                row["patient_id"],
                splits[row["image_id"]],
                row["path"],
                row["voxel_sha256"],
            )
            for row in manifest.read_table(store, "images").to_pylist()
        ]
    return sorted(found)
