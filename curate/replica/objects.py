"""Writes labels that name themselves: DICOM SEG, .seg.nrrd and RTSTRUCT."""

from pathlib import Path
from typing import Any

import numpy as np

from curate.errors import ConfigError
from curate.recipe.replica import ReplicaFile
from curate.replica import dicom
from curate.replica.arrays import Stored
from curate.replica.formats import simpleitk_image

_RTSTRUCT = "1.2.840.10008.5.1.4.1.1.481.3"


def write_objects(path: Path, file: ReplicaFile, series: dicom.Series | None, numbered: Stored) -> None:
    """Write the objects of a file.

    Args:
        path: Where.
        file: Of kind `segments` or `rois`.
        series: The DICOM series that they were drawn on; needed for all but .seg.nrrd.
        numbered: Object n has the value n + 1.

    Raises:
        ConfigError: For DICOM objects of a case whose image is no DICOM series.
    """
    if path.name.endswith(".seg.nrrd"):
        _seg_nrrd(path, file, numbered)
        return
    if series is None:
        raise ConfigError(f"replica: `{file.path}` needs a DICOM series of the same case, listed before it")
    if file.kind == "rois":
        _contours(path, file, series, numbered)
    else:
        _segmentation(path, file, series, numbered)


def _seg_nrrd(path: Path, file: ReplicaFile, numbered: Stored) -> None:
    import SimpleITK as sitk

    image = simpleitk_image(numbered)
    for n, name in enumerate(file.objects):
        described = {"ID": f"Segment_{n + 1}", "Name": name, "LabelValue": str(n + 1), "Layer": "0"}
        for key, value in described.items():
            image.SetMetaData(f"Segment{n}_{key}", value)
    sitk.WriteImage(image, str(path), useCompression=True)


def _segmentation(path: Path, file: ReplicaFile, series: dicom.Series, numbered: Stored) -> None:
    import highdicom
    from pydicom.sr.codedict import codes

    described = [
        highdicom.seg.SegmentDescription(
            n + 1, name, codes.SCT.Organ, codes.SCT.Organ, highdicom.seg.SegmentAlgorithmTypeValues.MANUAL
        )
        for n, name in enumerate(file.objects)
    ]
    voxels = numbered.voxels
    masks = np.stack([(voxels == n + 1).T for n in range(len(described))], axis=-1).astype(np.uint8)
    segmentation = highdicom.seg.Segmentation(
        list(series.slices), masks, "BINARY", described, dicom.uid(file.path, "series"), 2, dicom.uid(file.path), 1,
        "medseen", "replica", "1", "1",
    )  # fmt: skip
    segmentation.save_as(path)


def _contours(path: Path, file: ReplicaFile, series: dicom.Series, numbered: Stored) -> None:
    from pydicom import Dataset

    dataset = dicom.blank("RTSTRUCT", _RTSTRUCT, file.path)
    dataset.SeriesInstanceUID = dicom.uid(file.path, "series")
    regions, lines = [], []
    for number, name in enumerate(file.objects, start=1):
        region, line = Dataset(), Dataset()
        region.ROINumber, region.ROIName, line.ReferencedROINumber = number, name, number
        line.ContourSequence = [_contour(points) for points in _rectangles(numbered.voxels == number, series.affine)]
        regions.append(region)
        lines.append(line)
    dataset.StructureSetROISequence, dataset.ROIContourSequence = regions, lines
    study, referenced, frame = Dataset(), Dataset(), Dataset()
    referenced.SeriesInstanceUID = series.slices[0].SeriesInstanceUID
    study.RTReferencedSeriesSequence, frame.RTReferencedStudySequence = [referenced], [study]
    dataset.ReferencedFrameOfReferenceSequence = [frame]
    dataset.save_as(path, enforce_file_format=True)


def _contour(points: Any) -> Any:
    from pydicom import Dataset

    contour = Dataset()
    contour.ContourGeometricType, contour.NumberOfContourPoints = "CLOSED_PLANAR", len(points)
    contour.ContourData = dicom.decimals(points)
    return contour


def _rectangles(inside: Any, affine: Any) -> list[Any]:
    """Return the outline of a box on every slice that it lies on, halfway between voxels, in LPS+ mm."""
    (i0, j0, k0), (i1, j1, k1) = np.argwhere(inside).min(axis=0), np.argwhere(inside).max(axis=0)
    low_i, low_j, high_i, high_j = i0 - 0.5, j0 - 0.5, i1 + 0.5, j1 + 0.5
    corners = [(low_i, low_j), (high_i, low_j), (high_i, high_j), (low_i, high_j)]
    return [dicom.to_patient(affine, [(i, j, k) for i, j in corners]) for k in range(k0, k1 + 1)]
