"""The planes of an image: where each lies and how its numbers are scaled, classic or enhanced multi-frame."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from curate.dicom.dataset import functional_group, open_dataset, reading
from curate.errors import ReadError
from curate.volume import affine_from_simpleitk

if TYPE_CHECKING:
    from pydicom import Dataset

_COSINE_TOLERANCE = 1e-3
"""Direction cosines are often rounded to four digits; a thousandth is half a voxel over 512 columns."""


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """One frame of one file."""

    path: Path
    frame: int
    """Index among the frames of its file."""
    shape_ij: tuple[int, int]
    """Columns, rows."""
    affine: NDArray[np.float64] | None
    """(4, 4) column, row and millimetres along the normal, to RAS+ mm; None where the file states no position."""
    pixel_mm: tuple[float, float] | None
    """Distance between columns, between rows."""
    thickness_mm: float | None
    """Only for a plane without neighbours; slices may overlap or leave gaps."""
    slope: float
    intercept: float
    is_colour: bool

    @property
    def is_scaled(self) -> bool:
        """True where the stored numbers are not yet the intensities."""
        return (self.slope, self.intercept) != (1.0, 0.0)


def planes_of(path: Path) -> list[Plane]:
    """Read the planes of one file from its header.

    Raises:
        ReadError: `unreadable`; `not_a_volume` for files without pixels; `bad_geometry` for direction cosines or pixel
            spacings that describe no grid.
    """
    with reading(path):
        dataset = open_dataset(path)
        if "Rows" not in dataset:
            raise ReadError(
                "not_a_volume", f"{path.name}: modality {dataset.get('Modality')}, holds no image or is cut off"
            )
        if "ModalityLUTSequence" in dataset:
            raise ReadError("unreadable", f"{path.name}: intensities by a Modality LUT, expected slope and intercept")
        frames = dataset.get("PerFrameFunctionalGroupsSequence")
        if frames:
            return [_enhanced_plane(dataset, frame, path, index) for index, frame in enumerate(frames)]
        return [_classic_plane(dataset, path, index) for index in range(int(dataset.get("NumberOfFrames") or 1))]


def frame_affine(position: Dataset, orientation: Dataset, measures: Dataset, shown: str) -> NDArray[np.float64]:
    """Build the (4, 4) affine of one plane: column, row and millimetres along the normal, to RAS+ mm.

    The equation is that of PS3.3, C.7.6.2.1.1; the three arguments hold ImagePositionPatient,
    ImageOrientationPatient and PixelSpacing.

    Raises:
        ReadError: `bad_geometry` for cosines that are no right angle of unit vectors, or a spacing of 0.
    """
    cosines = np.array(orientation.ImageOrientationPatient, dtype=np.float64).reshape(2, 3)
    if not np.allclose(cosines @ cosines.T, np.eye(2), atol=_COSINE_TOLERANCE):
        found = cosines.ravel().tolist()
        raise ReadError("bad_geometry", f"{shown}: direction cosines {found}, expected two unit vectors at 90 degrees")
    along_columns, along_rows = _pixel_mm(measures)
    if not (along_columns > 0 and along_rows > 0):
        found_mm = f"{along_columns} x {along_rows} mm"
        raise ReadError("bad_geometry", f"{shown}: pixel spacing {found_mm}, expected positive numbers")
    normal = np.cross(cosines[0], cosines[1])
    directions = np.stack([*cosines, normal / np.linalg.norm(normal)], axis=1).ravel()
    x, y, z = (float(value) for value in position.ImagePositionPatient)
    return np.asarray(affine_from_simpleitk((along_columns, along_rows, 1.0), (x, y, z), tuple(directions)))


def _classic_plane(dataset: Dataset, path: Path, index: int) -> Plane:
    """One file, one plane; frames of a multi-frame file without functional groups have no position of their own."""
    placed = int(dataset.get("NumberOfFrames") or 1) == 1 and _states(dataset, "ImagePositionPatient")
    return _plane(dataset, path, index, placed=(dataset, dataset, dataset) if placed else None, scale=dataset)


def _enhanced_plane(dataset: Dataset, frame: Dataset, path: Path, index: int) -> Plane:
    position, orientation, measures = (
        functional_group(dataset, frame, name)
        for name in ("PlanePositionSequence", "PlaneOrientationSequence", "PixelMeasuresSequence")
    )
    scale = functional_group(dataset, frame, "PixelValueTransformationSequence")
    if position is None or orientation is None or measures is None:
        return _plane(dataset, path, index, placed=None, scale=scale)
    return _plane(dataset, path, index, placed=(position, orientation, measures), scale=scale)


def _plane(
    dataset: Dataset,
    path: Path,
    index: int,
    *,
    placed: tuple[Dataset, Dataset, Dataset] | None,
    scale: Dataset | None,
) -> Plane:
    measures = dataset if placed is None else placed[2]
    thickness = measures.get("SliceThickness")
    return Plane(
        path=path,
        frame=index,
        shape_ij=(int(dataset.Columns), int(dataset.Rows)),
        affine=None if placed is None else frame_affine(*placed, path.name),
        pixel_mm=_pixel_mm(measures) if _states(measures, "PixelSpacing") else None,
        thickness_mm=float(thickness) if thickness else None,
        slope=_number(scale, "RescaleSlope", 1.0),
        intercept=_number(scale, "RescaleIntercept", 0.0),
        is_colour=int(dataset.get("SamplesPerPixel", 1)) > 1,
    )


def _pixel_mm(measures: Dataset) -> tuple[float, float]:
    """Return the distance between columns, then between rows; PixelSpacing has them the other way round."""
    between_rows, between_columns = measures.PixelSpacing
    return float(between_columns), float(between_rows)


def _states(holder: Dataset, name: str) -> bool:
    return holder.get(name) not in (None, "")


def _number(holder: Dataset | None, name: str, default: float) -> float:
    return float(holder.get(name)) if holder is not None and _states(holder, name) else default
