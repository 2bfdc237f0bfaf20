"""Writes tiny arrays in the formats of real datasets, through the libraries that others read them with."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.errors import ConfigError
from curate.replica.arrays import Stored

_LPS = np.array([-1.0, -1.0, 1.0])


def write_arrays(path: Path, arrays: Sequence[Stored]) -> None:
    """Write what stands in one file: one array, several named ones, or the volumes of a fourth axis.

    Raises:
        ConfigError: For a suffix that nothing here writes.
    """
    name = path.name.lower()
    writer = next((write for suffix, write in _WRITERS.items() if name.endswith(suffix)), None)
    if writer is None:
        known = ", ".join(_WRITERS)
        raise ConfigError(f"`{path.name}`: a replica can have files that end in {known}, or / for a DICOM series")
    writer(path, arrays)


def write_slices(folder: Path, stored: Stored) -> None:
    """Write a volume as a folder of pictures, one per slice."""
    folder.mkdir(parents=True, exist_ok=True)
    for k in range(stored.voxels.shape[2]):
        _picture(folder / stored.file.slice_files.format(k=k), [replace(stored, voxels=stored.voxels[:, :, k : k + 1])])


def _whole(arrays: Sequence[Stored]) -> Stored:
    """Stack what was given volume by volume; anything else stands alone."""
    first = arrays[0]
    if first.file.volume_index is None:
        return first
    count = 1 + max(one.file.volume_index or 0 for one in arrays)
    volumes = np.zeros((*first.voxels.shape, count), first.voxels.dtype)
    for one in arrays:
        volumes[..., one.file.volume_index] = one.voxels
    return Stored(first.file, volumes, first.affine)


def _nibabel(image: Callable[..., Any], path: Path, arrays: Sequence[Stored]) -> None:
    import nibabel

    whole = _whole(arrays)
    nibabel.save(image(whole.voxels, whole.affine), path)


def _nifti(path: Path, arrays: Sequence[Stored]) -> None:
    import nibabel

    _nibabel(nibabel.Nifti1Image, path, arrays)


def _mgh(path: Path, arrays: Sequence[Stored]) -> None:
    import nibabel

    _nibabel(nibabel.MGHImage, path, arrays)


def _analyze(path: Path, arrays: Sequence[Stored]) -> None:
    import nibabel

    _nibabel(nibabel.AnalyzeImage, path, arrays)


def _itk(path: Path, arrays: Sequence[Stored]) -> None:
    import SimpleITK as sitk

    whole = _whole(arrays)
    sitk.WriteImage(simpleitk_image(whole), str(path), useCompression=not path.name.endswith((".mhd", ".nhdr")))


def simpleitk_image(stored: Stored) -> Any:
    """Return a SimpleITK image of (i, j, k) voxels; a fourth axis becomes its channels."""
    import SimpleITK as sitk

    voxels = stored.voxels
    image = sitk.GetImageFromArray(np.moveaxis(voxels, (0, 1, 2), (2, 1, 0)), isVector=voxels.ndim == 4)
    spacing_mm = np.linalg.norm(stored.affine[:3, :3], axis=0)
    image.SetSpacing(spacing_mm.tolist())
    image.SetDirection((_LPS[:, None] * stored.affine[:3, :3] / spacing_mm).ravel().tolist())
    image.SetOrigin((_LPS * stored.affine[:3, 3]).tolist())
    return image


def _npy(path: Path, arrays: Sequence[Stored]) -> None:
    np.save(path, _whole(arrays).voxels)


def _npz(path: Path, arrays: Sequence[Stored]) -> None:
    np.savez_compressed(path, **_named(arrays))  # type: ignore[arg-type]  # the stub knows no names but its own


def _hdf5(path: Path, arrays: Sequence[Stored]) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        for name, voxels in _named(arrays).items():
            file.create_dataset(name, data=voxels)


def _named(arrays: Sequence[Stored]) -> Mapping[str, NDArray[Any]]:
    names = dict.fromkeys(one.file.array or "data" for one in arrays)
    return {name: _whole([one for one in arrays if (one.file.array or "data") == name]).voxels for name in names}


def _picture(path: Path, arrays: Sequence[Stored]) -> None:
    from PIL import Image

    voxels = _whole(arrays).voxels
    planes = [Image.fromarray(np.swapaxes(voxels[:, :, k], 0, 1)) for k in range(voxels.shape[2])]
    options: dict[str, Any] = {"quality": 95} if path.suffix.lower() in (".jpg", ".jpeg") else {}
    if len(planes) > 1:
        options |= {"save_all": True, "append_images": planes[1:]}
    planes[0].save(path, **options)


_WRITERS: Mapping[str, Callable[[Path, Sequence[Stored]], None]] = {
    **dict.fromkeys((".nii.gz", ".nii"), _nifti),
    **dict.fromkeys((".nrrd", ".nhdr", ".mha", ".mhd"), _itk),
    **dict.fromkeys((".mgz", ".mgh"), _mgh),
    **dict.fromkeys((".hdr", ".img"), _analyze),
    ".npy": _npy,
    ".npz": _npz,
    **dict.fromkeys((".h5", ".hdf5", ".he5"), _hdf5),
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff"), _picture),
}
