"""Segmentations of 3D Slicer, `.seg.nrrd`: an NRRD file whose header names the segments.

Segments that do not overlap share a layer; layers lie along a list axis. The fields are those of Slicer's documentation
(developer guide, Segmentations) and of its reader, vtkMRMLSegmentationStorageNode.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.errors import ReadError
from curate.geometry import Geometry
from curate.labelmap import BoxMask
from curate.readers.header import Header, check
from curate.readers.itk import ItkReader, metadata, read_volumes
from curate.readers.part import WHOLE, Part
from curate.readers.place import place
from curate.volume import Volume, decoding, on_grid

_SEGMENT = re.compile(r"Segment(\d+)_(?:Name|ID)")
_CODE = re.compile(r"TerminologyEntry:[^~|]*~[^~|]*~([^^~|]+)\^([^^~|]+)\^")
"""In the tags: list ~ category ~ type; a term is scheme ^ value ^ meaning."""
_OLD_EXTENT = "Segmentation_Extent"
"""Only files of Slicer's first format have it; theirs is one segment per layer."""
_HIGHEST_VALUE = 65535


@dataclass(frozen=True, slots=True)
class NamedSegment:
    """One structure of a segmentation."""

    number: int
    """N of its fields `SegmentN_...`; counts from 0."""
    name: str
    layer: int
    """Along the list axis; counts from 0."""
    value: int
    """Its voxels carry it in that layer."""
    code: str | None = None
    """Type of the structure, such as `SCT:10200004`, where the file states a code."""


class SegNrrdReader:
    """Reads `.seg.nrrd` and `.seg.nhdr` as label maps; of several layers `volume_index` takes one."""

    suffixes = (".seg.nrrd", ".seg.nhdr")
    named_arrays = False

    def header(self, path: Path, part: Part = WHOLE) -> Header:
        """Read the header alone.

        Raises:
            ReadError: What `ItkReader` raises; `unreadable` for an extent of the first format that is no extent.
        """
        found = ItkReader().header(path, part)
        with decoding(path, path.name):
            return _placed(found, metadata(path))

    def read(self, path: Path, part: Part = WHOLE) -> Volume:
        """Read one layer.

        Raises:
            ReadError: `unreadable` for truncated or damaged data.
        """
        layers, _ = read_volumes(path)
        return on_grid(layers[part.volume_index or 0], self.header(path, part).affine)


def segments(path: Path) -> list[NamedSegment]:
    """Return the segments that a file describes, sorted by number.

    Raises:
        ReadError: `unreadable` when the file is damaged, describes no segment though it has voxels, or describes one
            without value or on a layer that is not there; `fractional_values` for a segmentation of shares.
    """
    with decoding(path, path.name):
        fields = metadata(path)
        shape = ItkReader().header(path, WHOLE).shape
        if fields.get("Segmentation_MasterRepresentation") == "Fractional labelmap":
            raise ReadError("fractional_values", f"{path.name}: a fractional label map, expected a binary one")
        numbers = sorted({int(found[1]) for found in map(_SEGMENT.fullmatch, fields) if found})
        if not numbers and not _is_blank(shape):
            raise ReadError("unreadable", f"{path.name}: describes no segment, expected fields such as Segment0_Name")
        return [_segment(number, fields, layers=(*shape, 1, 1)[3], path=path) for number in numbers]


def read_segments(path: Path, grid: Geometry | None = None) -> dict[int, BoxMask]:
    """Read the mask of every segment, by number; segments may overlap.

    Args:
        path: The file.
        grid: Where the masks should be: a grid on the same lattice, as the image's is though Slicer may have cropped
            the file. None for the file's own grid.

    Raises:
        ReadError: What `segments` raises; `not_a_volume`, `too_large` and `bad_geometry` as for any file;
            `fractional_values` for voxels that are no integers; `unknown_value` for values that no segment has;
            `grid_mismatch` where the grids share no lattice or a segment reaches beyond `grid`.
    """
    described = segments(path)
    header = SegNrrdReader().header(path, WHOLE)
    if _is_blank(header.shape):
        shape = header.geometry.shape_ijk if grid is None else grid.shape_ijk
        return {one.number: BoxMask.of(np.zeros(shape, dtype=np.bool_)) for one in described}
    header = replace(header, shape=header.shape[:3])
    check(header, path)
    layers, _ = read_volumes(path)
    found: dict[int, BoxMask] = {}
    for layer, voxels in enumerate(layers):
        found |= _masks(voxels, [one for one in described if one.layer == layer], path)
    if grid is not None:
        found = {number: place(mask, header.geometry, grid, path.name) for number, mask in found.items()}
    return dict(sorted(found.items()))


def _placed(header: Header, fields: Mapping[str, str]) -> Header:
    """Put a file of Slicer's first format in its place; the origin of a later one is that of its first voxel.

    There, the origin is that of the reference image, the first voxel is that image's voxel at the start of the extent,
    and the unnamed space is RAS (Slicer: ReadBinaryLabelmapRepresentation4DSpatial). The offset that later files state,
    Segmentation_ReferenceImageExtentOffset, moves nothing.
    """
    if _OLD_EXTENT not in fields or len(header.shape) != 4:
        return header
    start_ijk = [int(number) for number in fields[_OLD_EXTENT].split()[::2]]
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ header.affine
    affine[:3, 3] += affine[:3, :3] @ start_ijk
    return replace(header, affine=affine, orientation_stated=True)


def _is_blank(shape: tuple[int, ...]) -> bool:
    """Tell whether a file has no voxels: Slicer writes a single one, whose grid means nothing, where all are empty."""
    return all(n == 1 for n in shape[:3])


def _segment(number: int, fields: Mapping[str, str], *, layers: int, path: Path) -> NamedSegment:
    """Read the fields of one segment; where they are missing, segment N fills layer N with ones."""
    prefix = f"Segment{number}_"
    name = fields.get(f"{prefix}Name") or fields.get(f"{prefix}ID", "")
    layer, value = int(fields.get(f"{prefix}Layer", number)), int(fields.get(f"{prefix}LabelValue", 1))
    if not (0 <= layer < layers and 0 < value <= _HIGHEST_VALUE):
        found = f"segment {number} has layer {layer} and value {value}"
        expected = f"a layer below {layers} and a value from 1 to {_HIGHEST_VALUE}"
        raise ReadError("unreadable", f"{path.name}: {found}, expected {expected}")
    code = _CODE.search(fields.get(f"{prefix}Tags", ""))
    text = name.encode("utf-8", "replace").decode()
    return NamedSegment(number, text, layer, value, None if code is None else f"{code[1]}:{code[2]}")


def _masks(voxels: NDArray[Any], described: list[NamedSegment], path: Path) -> dict[int, BoxMask]:
    """Cut the segments of one layer, (i, j[, k]), out of it."""
    from scipy.ndimage import find_objects

    layer = _labels(voxels.reshape((*voxels.shape, 1)[:3]), path)
    shape = (layer.shape[0], layer.shape[1], layer.shape[2])
    boxes = {value: box for value, box in enumerate(find_objects(layer), start=1) if box is not None}
    unknown = sorted(set(boxes) - {one.value for one in described})
    if unknown:
        raise ReadError("unknown_value", f"{path.name}: value {unknown[0]} is that of no segment")
    found: dict[int, BoxMask] = {}
    for one in described:
        i, j, k = boxes.get(one.value, (slice(0, 0),) * 3)
        box = (i.start, j.start, k.start, i.stop, j.stop, k.stop)
        found[one.number] = BoxMask(shape, box, layer[i, j, k] == one.value)
    return found


def _labels(voxels: NDArray[Any], path: Path) -> NDArray[np.uint16]:
    """Return voxels as values that a segment may have, or 0.

    Raises:
        ReadError: `fractional_values`, or `unknown_value` for what no segment can have.
    """
    low, high = voxels.min(), voxels.max()
    if not (low >= 0 and high <= _HIGHEST_VALUE):
        raise ReadError("unknown_value", f"{path.name}: values from {low} to {high}, those of segments are below 65536")
    labels = voxels.astype(np.uint16)
    if voxels.dtype.kind == "f" and (labels != voxels).any():
        raise ReadError("fractional_values", f"{path.name}: voxels are no integers, expected the values of segments")
    return labels
