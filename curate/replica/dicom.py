"""Writes a DICOM series, one file per slice, as scanners do."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from curate.replica.arrays import Stored

if TYPE_CHECKING:
    import pydicom

_SOP_CLASSES = {
    "CT": "1.2.840.10008.5.1.4.1.1.2",
    "MR": "1.2.840.10008.5.1.4.1.1.4",
    "PET": "1.2.840.10008.5.1.4.1.1.128",
}
"""DICOM PS3.6, table A-1."""
_DICOM_MODALITIES = {"PET": "PT"}
_LPS = np.array([-1.0, -1.0, 1.0])


@dataclass(frozen=True, slots=True)
class Series:
    """A series that segments and contours refer to."""

    slices: "tuple[pydicom.Dataset, ...]"
    affine: Any
    """(4, 4), stored voxel index to RAS+ mm."""


def write_folder(folder: Path, stored: Stored) -> Series:
    """Write (i, j, k) voxels: columns along i, rows along j, one file per k."""
    folder.mkdir(parents=True, exist_ok=True)
    slices = tuple(_slice(stored, folder.name, k) for k in range(stored.voxels.shape[2]))
    for k, one in enumerate(slices):
        one.save_as(folder / stored.file.slice_files.format(k=k), enforce_file_format=True)
    return Series(slices, stored.affine)


def blank(modality: str, sop_class: str, *key: str) -> "pydicom.Dataset":
    """Return a data set without content, whose identifiers follow from `key`."""
    from pydicom import Dataset
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class, uid(*key)
    dataset.StudyInstanceUID, dataset.FrameOfReferenceUID = uid("study"), uid("frame")
    dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate, dataset.PatientSex = "", "", "", ""
    dataset.StudyDate, dataset.StudyTime, dataset.AccessionNumber, dataset.StudyID = "", "", "", ""
    dataset.Modality, dataset.SeriesNumber, dataset.InstanceNumber = modality, 1, 1
    return dataset


def uid(*key: str) -> str:
    """Return an identifier that is the same for the same words (DICOM PS3.5, B.2: the root 2.25)."""
    return f"2.25.{int(hashlib.sha256('/'.join(key).encode()).hexdigest()[:30], 16)}"


def decimals(values: Any) -> list[Any]:
    """Write numbers as the decimal text that DICOM holds, of at most 16 characters."""
    from pydicom.valuerep import DSfloat

    return [DSfloat(float(value), auto_format=True) for value in np.ravel(values)]


def to_patient(affine: Any, points_ijk: Any) -> Any:
    """Return points in DICOM's patient coordinates, (n, 3) in LPS+ mm."""
    return (np.atleast_2d(points_ijk) @ affine[:3, :3].T + affine[:3, 3]) * _LPS


def _slice(stored: Stored, series: str, k: int) -> "pydicom.Dataset":
    name = stored.file.modality or "CT"
    dataset = blank(_DICOM_MODALITIES.get(name, name), _SOP_CLASSES.get(name, _SOP_CLASSES["CT"]), series, str(k))
    dataset.SeriesInstanceUID, dataset.InstanceNumber = uid(stored.file.path), k + 1
    spacing_mm = np.linalg.norm(stored.affine[:3, :3], axis=0)
    directions = _LPS[:, None] * stored.affine[:3, :3] / spacing_mm
    dataset.ImagePositionPatient = decimals(to_patient(stored.affine, (0, 0, k)))
    dataset.ImageOrientationPatient = decimals([directions[:, 0], directions[:, 1]])
    dataset.PixelSpacing = decimals([spacing_mm[1], spacing_mm[0]])
    dataset.SliceThickness = decimals(spacing_mm[2])[0]
    pixels = np.ascontiguousarray(stored.voxels[:, :, k].T.astype(np.int16))
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 1
    dataset.PixelData = pixels.tobytes()
    return dataset
