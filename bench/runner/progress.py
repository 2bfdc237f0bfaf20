"""A line that says how far a run is, on a terminal; nothing in a log file."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tqdm import tqdm


def shown(
    stored: Iterable[Sequence[Mapping[str, Any]]], images: int, name: str
) -> Iterator[Sequence[Mapping[str, Any]]]:
    """Pass the rows of each image on, and show images, masks a second and the time that is left.

    Args:
        stored: Rows, image by image.
        images: How many images there will be.
        name: What is being run.
    """
    masks = 0
    with tqdm(total=images, desc=name, unit="image", disable=None) as line:
        for rows in stored:
            masks += len({row["mask_id"] for row in rows})
            seconds = line.format_dict["elapsed"] or 0
            line.set_postfix_str(f"{masks / seconds:.1f} masks/s" if seconds else "", refresh=False)
            line.update()
            yield rows
