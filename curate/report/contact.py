"""The contact sheet: which images of each dataset are shown, in which colours, and the work of drawing them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from curate import executor, manifest
from curate.executor import Where
from curate.report import tile
from curate.report.tile import Outline, Tile, TileTask

if TYPE_CHECKING:
    import pandas as pd

COLOURS = ("#56B4E9", "#E69F00", "#009E73", "#F0E442", "#CC79A7", "#D55E00", "#0072B2")
"""Of Okabe and Ito, which stay apart for colour-blind readers (https://jfly.uni-koeln.de/color/)."""
OTHER = "#FFFFFF"
"""Of every target beyond those that have a colour of their own."""
FOLDER = "images"


@dataclass(frozen=True, slots=True)
class Sheet:
    """The tiles of one dataset."""

    dataset: str
    legend: tuple[tuple[str, str], ...]
    """Target and colour, of the targets that have one of their own."""
    others: int
    """Targets that share the colour `OTHER`."""
    tiles: tuple[Tile, ...]


def sheets(store: Path, out: Path, each: int, where: Where) -> tuple[Sheet, ...]:
    """Draw up to `each` images of every dataset into `out`, and return what stands where.

    Raises:
        UsageError: When the scheduler does not answer.
    """
    images = manifest.read_table(store, "images", columns=_OF_IMAGES).to_pandas()
    chosen = {str(name): _evenly(sorted(part["image_id"]), each) for name, part in images.groupby("dataset")}
    wanted = {image_id for ids in chosen.values() for image_id in ids}
    rows = {str(row["image_id"]): row for row in images[images["image_id"].isin(wanted)].to_dict("records")}
    masks = _masks(store, wanted)
    legends = {name: _legend(masks[masks["dataset"] == name]) for name in chosen}
    tasks = [
        _task(store, out, rows[image_id], masks[masks["image_id"] == image_id], legends[name], number)
        for name, ids in chosen.items()
        for number, image_id in enumerate(ids, start=1)
    ]
    done = _draw(tasks, where)
    return tuple(
        Sheet(
            name,
            legend=tuple((target, colour) for target, colour in legends[name].items() if colour != OTHER),
            others=sum(colour == OTHER for colour in legends[name].values()),
            tiles=tuple(done[image_id] for image_id in ids),
        )
        for name, ids in chosen.items()
    )


_OF_IMAGES = ["image_id", "dataset", "modality", "sequence", "path", "spacing_mm", "intensity_unit"]
_OF_MASKS = ["image_id", "dataset", "mask_id", "target", "path", "label_values", "voxels"]


def _evenly(names: Sequence[str], count: int) -> list[str]:
    """Choose `count` of sorted names: the one in the middle of each of as many equal parts."""
    count = min(count, len(names))
    return [names[(2 * place + 1) * len(names) // (2 * count)] for place in range(count)]


def _masks(store: Path, wanted: set[str]) -> "pd.DataFrame":
    """Return the masks of some images, sorted by mask_id."""
    import pyarrow as pa
    import pyarrow.compute as pc

    table = manifest.read_table(store, "masks", columns=_OF_MASKS)
    among = pc.is_in(table.column("image_id"), value_set=pa.array(sorted(wanted), pa.string()))
    frame: pd.DataFrame = table.filter(among).to_pandas()
    return frame.sort_values("mask_id", kind="stable")


def _legend(masks: "pd.DataFrame") -> dict[str, str]:
    """Return target -> colour; those with the most voxels on the chosen images have colours of their own."""
    voxels = masks.groupby("target")["voxels"].sum()
    order = sorted(voxels.items(), key=lambda pair: (-int(pair[1]), str(pair[0])))
    return {str(name): COLOURS[at] if at < len(COLOURS) else OTHER for at, (name, _) in enumerate(order)}


def _task(
    store: Path, out: Path, row: Mapping[str, Any], masks: "pd.DataFrame", legend: Mapping[str, str], number: int
) -> TileTask:
    """Describe a tile; large masks are drawn first, so that the small ones within them stay visible."""
    spacing = row["spacing_mm"]
    drawn = masks.sort_values(["voxels", "mask_id"], ascending=[False, True])
    outlines = [
        Outline(str(one["target"]), legend[str(one["target"])], str(one["path"]), tuple(map(int, one["label_values"])))
        for one in drawn.to_dict("records")
    ]
    return TileTask(
        store.absolute(),
        out.absolute(),
        file=f"{FOLDER}/{row['dataset']}/{number:02}.png",
        dataset=str(row["dataset"]),
        image_id=str(row["image_id"]),
        path=str(row["path"]),
        modality=str(row["modality"]),
        sequence=row["sequence"] if isinstance(row["sequence"], str) else None,
        spacing_mm=None if spacing is None else tuple(float(value) for value in spacing),
        unit=row["intensity_unit"] if isinstance(row["intensity_unit"], str) else None,
        outlines=tuple(outlines),
    )


def _draw(tasks: Sequence[TileTask], where: Where) -> dict[str, Tile]:
    """Make every tile; one that fails says why and stops nobody."""
    results = executor.run(tile.make, tasks, where)
    return {
        task.image_id: tile.failed(task, result) if isinstance(result, BaseException) else result
        for task, result in tqdm(results, total=len(tasks), desc="contact sheet", unit="image", disable=None)
    }
