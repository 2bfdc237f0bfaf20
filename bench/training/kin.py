"""Which images of a store are one case under several names, as far as recipes know it."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from curate import manifest

Image = Mapping[str, str | None]
"""`image_id`, `dataset`, `case_id`, `origin`, `voxel_sha256`, and `split` where it is the source's own, else None."""


@dataclass(frozen=True, slots=True)
class Kin:
    """The images of a store by case."""

    by_case: Mapping[str, Sequence[Image]]
    """`<dataset>/<case>` -> its own images, and those that were taken from it."""

    @staticmethod
    def of_store(store: Path) -> "Kin":
        """Read the images and splits of a store.

        Raises:
            StoreError: When there is no finished store.
        """
        rows = manifest.read_table(store, "splits").to_pylist()
        official = {row["image_id"]: row["split"] for row in rows if row["origin"] == "official"}
        columns = ["image_id", "dataset", "case_id", "origin", "voxel_sha256"]
        by_case = defaultdict[str, list[Image]](list)
        for image in manifest.read_table(store, "images", columns=columns).to_pylist():
            row = {**image, "split": official.get(image["image_id"])}
            for case in {_case(image), image["origin"] or _case(image)}:
                by_case[case].append(row)
        return Kin(dict(by_case))

    def same_case(self, image: Image) -> Iterator[Image]:
        """Yield the images of other names that show the same case, sorted by image_id."""
        own = _case(image)
        found = {
            str(one["image_id"]): one
            for case in (own, image["origin"])
            for one in self.by_case.get(case or own, ())
            if _case(one) != own
        }
        yield from (found[image_id] for image_id in sorted(found))


def _case(image: Image) -> str:
    return f"{image['dataset']}/{image['case_id']}"
