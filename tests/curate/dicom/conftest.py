"""DICOM files made by a test: series of any grid, multi-frame images, structure sets."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from pydicom.valuerep import DSfloat
from scipy.spatial.transform import Rotation

from curate.geometry import Geometry

CLASSES = {
    "CT": "1.2.840.10008.5.1.4.1.1.2",
    "MR": "1.2.840.10008.5.1.4.1.1.4",
    "PT": "1.2.840.10008.5.1.4.1.1.128",
    "US": "1.2.840.10008.5.1.4.1.1.3.1",
    "DX": "1.2.840.10008.5.1.4.1.1.1.1",
    "enhanced": "1.2.840.10008.5.1.4.1.1.2.1",
    "RTSTRUCT": "1.2.840.10008.5.1.4.1.1.481.3",
}
LPS = np.array([-1.0, -1.0, 1.0])
Edit = Callable[[Dataset, int], None]


def decimals(values: Any) -> list[DSfloat]:
    """Write numbers as the decimal text that DICOM holds, of at most 16 characters."""
    return [DSfloat(float(value), auto_format=True) for value in np.ravel(values)]


def ramp(geometry: Geometry) -> np.ndarray:
    """Return voxels, int16, that say where they lie: 10 (x + 2 y + 3 z), rounded, in RAS+ mm."""
    indices = np.stack(np.meshgrid(*map(np.arange, geometry.shape_ijk), indexing="ij"), axis=-1)
    return np.rint(10 * geometry.to_world(indices) @ [1, 2, 3]).astype(np.int16)


@dataclass(frozen=True, slots=True)
class Maker:
    """Writes DICOM into a folder."""

    folder: Path

    def blank(self, modality: str, *, kind: str | None = None, **tags: Any) -> Dataset:
        """Return a data set of no content that belongs to a study and a series."""
        dataset = Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.SOPClassUID = CLASSES[kind or modality]
        dataset.SOPInstanceUID = generate_uid()
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.3", "1.2.3.4"
        dataset.FrameOfReferenceUID = "1.2.3.9"
        dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate = "Doe^Jane", "MRN-77", "19700101"
        dataset.PatientSex, dataset.StudyDate, dataset.StudyTime, dataset.AccessionNumber = (
            "O",
            "20200101",
            "120000",
            "9",
        )
        dataset.StudyID, dataset.SeriesNumber, dataset.InstanceNumber = "1", 1, 1
        dataset.Modality, dataset.SeriesDescription = modality, "Thorax secret"
        dataset.update({key: value for key, value in tags.items() if value is not None})
        return dataset

    def save(self, dataset: Dataset, name: str, *, preamble: bool = True) -> Path:
        """Write a data set under a name."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if preamble:
            dataset.save_as(path, enforce_file_format=True)
        else:
            del dataset.file_meta
            dataset.save_as(path, implicit_vr=True, little_endian=True)
        return path

    def pixels(self, dataset: Dataset, stored: np.ndarray) -> None:
        """Give a data set pixels: (row, column), (frame, row, column), and 3 colours after those for uint8 RGB."""
        colour = stored.shape[-1] == 3 and stored.dtype == np.uint8
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation = (3, "RGB") if colour else (1, "MONOCHROME2")
        if colour:
            dataset.PlanarConfiguration = 0
        shape = stored.shape[:-1] if colour else stored.shape
        dataset.Rows, dataset.Columns = shape[-2:]
        if len(shape) == 3:
            dataset.NumberOfFrames = shape[0]
        bits = stored.dtype.itemsize * 8
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = bits, bits, bits - 1
        dataset.PixelRepresentation = int(stored.dtype.kind == "i")
        dataset.PixelData = stored.tobytes()
        dataset["PixelData"].VR = "OW" if bits == 16 else "OB"

    def classic(
        self,
        geometry: Geometry,
        *,
        voxels: np.ndarray | None = None,
        modality: str = "CT",
        edit: Edit | None = None,
        names: Sequence[str] | None = None,
        **tags: Any,
    ) -> list[Dataset]:
        """Write one file per slice of (i, j, k) voxels, by default a ramp; `edit` changes slice k beforehand."""
        voxels = ramp(geometry) if voxels is None else voxels
        datasets = []
        for k in range(geometry.shape_ijk[2]):
            dataset = self.blank(modality, **tags)
            self._place(dataset, dataset, dataset, geometry, k)
            dataset.InstanceNumber = k + 1
            self.pixels(dataset, np.ascontiguousarray(voxels[:, :, k].T))
            if edit is not None:
                edit(dataset, k)
            self.save(dataset, names[k] if names else f"{k:03}.dcm")
            datasets.append(dataset)
        return datasets

    def enhanced(self, geometry: Geometry, order: Sequence[int], *, slope: float = 1, intercept: float = 0) -> Path:
        """Write the ramp as one multi-frame file whose frames come in `order`; the orientation is shared."""
        dataset = self.blank("CT", kind="enhanced")
        self.pixels(dataset, np.ascontiguousarray(ramp(geometry).T[list(order)]))
        shared, scale, measures, orientation = Dataset(), Dataset(), Dataset(), Dataset()
        scale.RescaleSlope, scale.RescaleIntercept = slope, intercept
        frames = []
        for k in order:
            frame, position = Dataset(), Dataset()
            self._place(position, orientation, measures, geometry, k)
            frame.PlanePositionSequence = [position]
            frames.append(frame)
        shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = [orientation], [measures]
        shared.PixelValueTransformationSequence = [scale]
        dataset.SharedFunctionalGroupsSequence, dataset.PerFrameFunctionalGroupsSequence = [shared], frames
        return self.save(dataset, "enhanced")

    def structures(self, regions: Mapping[str, Sequence[np.ndarray]], *, kind: str = "CLOSED_PLANAR") -> Path:
        """Write regions, numbered from 1, of contours in RAS+ mm, each (n, 3)."""
        dataset = self.blank("RTSTRUCT", SeriesInstanceUID="1.2.3.5")
        names, lines = [], []
        for number, (name, contours) in enumerate(regions.items(), start=1):
            region, line = Dataset(), Dataset()
            region.ROINumber, region.ROIName, line.ReferencedROINumber = number, name, number
            line.ContourSequence = []
            for points in contours:
                contour = Dataset()
                contour.ContourGeometricType, contour.NumberOfContourPoints = kind, len(points)
                contour.ContourData = decimals(points * LPS)
                line.ContourSequence.append(contour)
            names.append(region)
            lines.append(line)
        dataset.StructureSetROISequence, dataset.ROIContourSequence = names, lines
        study, series, frame = Dataset(), Dataset(), Dataset()
        series.SeriesInstanceUID = "1.2.3.4"
        study.RTReferencedSeriesSequence, frame.RTReferencedStudySequence = [series], [study]
        dataset.ReferencedFrameOfReferenceSequence = [frame]
        return self.save(dataset, "structures.dcm")

    def _place(self, position: Dataset, orientation: Dataset, measures: Dataset, geometry: Geometry, k: int) -> None:
        spacing = geometry.spacing
        directions = geometry.affine[:3, :3] / spacing
        position.ImagePositionPatient = decimals(geometry.to_world((0, 0, k)) * LPS)
        orientation.ImageOrientationPatient = decimals([directions[:, 0] * LPS, directions[:, 1] * LPS])
        measures.PixelSpacing = decimals([spacing[1], spacing[0]])
        measures.SliceThickness = DSfloat(spacing[2] * 1.5, auto_format=True)


@pytest.fixture
def made(tmp_path: Path) -> Maker:
    """Return a writer into an empty folder."""
    return Maker(tmp_path / "dicom")


@pytest.fixture(scope="session")
def lay() -> Callable[..., Geometry]:
    """Return a function that lays a right-handed grid; its axes are turned by a rotation vector in radians."""

    def call(shape=(7, 6, 5), spacing=(0.8, 1.1, 2.5), turn=(0, 0, 0), origin=(-20, 10, -30)) -> Geometry:
        affine = np.eye(4)
        affine[:3, :3] = Rotation.from_rotvec(turn).as_matrix() @ np.diag([-1, -1, 1]) * np.array(spacing)
        affine[:3, 3] = origin
        return Geometry(shape, affine)

    return call


@pytest.fixture(scope="session")
def ramp_of() -> Callable[[Geometry], np.ndarray]:
    """Return the function that gives every voxel of a grid a number that says where it lies."""
    return ramp
