"""Makes the tiny tree, and says what must be found in it."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from curate.recipe.replica import Replica, ReplicaFile
from curate.replica import dicom
from curate.replica.arrays import stored, truth
from curate.replica.blocks import Lattice, Voxels, blocks_of, lattice
from curate.replica.formats import write_arrays, write_slices
from curate.replica.objects import write_objects

_APPLE_DOUBLE = bytes.fromhex("00051607000200004d6163204f532058") + bytes(64)
"""How a file begins that macOS leaves beside another; any file of kind `junk` holds these bytes."""


@dataclass(frozen=True, slots=True)
class Tree:
    """What was put into the tree, by names without the dataset's id."""

    images: dict[str, ReplicaFile] = field(default_factory=dict)
    """`<case>[/<channel>]` -> its file."""
    masks: dict[str, Voxels] = field(default_factory=dict)
    """`<case>[/<channel>]#<target>[/<rater>][/<instance>]` -> voxels (i, j, k) on the canonical grid of the image."""
    rejected: list[tuple[str, str]] = field(default_factory=list)
    """Code, and path of the file that it is about."""


def write(replica: Replica, folder: Path) -> Tree:
    """Write the files of a replica into a folder.

    Args:
        replica: What the recipe says of the real files.
        folder: Gets the dataset's own files in `raw`, those of another root in a folder of its name.

    Returns:
        What must be found in them.

    Raises:
        ConfigError: For a file that cannot be made: unknown suffix, labels of a case without an image.
    """
    tree = Tree()
    cases: dict[str, list[ReplicaFile]] = defaultdict(list)
    for file in _one_by_one(replica.files):
        if file.rejected is not None:
            tree.rejected.append((file.rejected, file.path))
        if file.case is None:
            _place(folder, file.path).write_bytes(_APPLE_DOUBLE if file.text is None else file.text.encode())
        else:
            cases[file.case].append(file)
    for case, files in cases.items():
        _write_case(files, folder)
        _expect(tree, case, files)
    return tree


def _one_by_one(files: Sequence[ReplicaFile]) -> Iterator[ReplicaFile]:
    """Write out what `{each}` stands for."""
    for file in files:
        if not file.each:
            yield file
        for name, shows in file.each.items():
            yield file.model_copy(update={"path": file.path.replace("{each}", name), "shows": shows, "each": {}})


def _place(folder: Path, path: str) -> Path:
    """Return where a file goes; the folder for it is made."""
    root, colon, rest = path.rpartition(":")
    place = folder / (root if colon else "raw") / rest
    place.parent.mkdir(parents=True, exist_ok=True)
    return place


def _write_case(files: Sequence[ReplicaFile], folder: Path) -> None:
    grid, reference = lattice(files), _reference(files)
    series: dicom.Series | None = None
    by_path: dict[str, list[ReplicaFile]] = defaultdict(list)
    for file in files:
        by_path[file.path].append(file)
    for path, together in by_path.items():
        place = _place(folder, path)
        if together[0].kind == "junk":
            place.write_bytes(_APPLE_DOUBLE)
        elif together[0].kind in ("segments", "rois"):
            write_objects(place, together[0], series, stored(together[0], grid, reference))
        elif together[0].is_folder_of_pictures:
            write_slices(place, stored(together[0], grid, reference))
        elif path.endswith("/"):
            written = dicom.write_folder(place, stored(together[0], grid, reference))
            series = series or (written if together[0].kind == "image" else None)
        else:
            write_arrays(place, [stored(file, grid, reference) for file in together])


def _reference(files: Sequence[ReplicaFile]) -> ReplicaFile:
    """Return the image on whose grid the labels are compared; a case without one is its own."""
    return next((file for file in files if file.kind == "image"), files[0])


def _expect(tree: Tree, case: str, files: Sequence[ReplicaFile]) -> None:
    """Add what a build must find of a case."""
    kept = [file for file in files if file.rejected is None and file.kind not in ("junk", "other_series")]
    images = {f"{case}/{name}" if name else case: file for file in kept for name in _channels(file)}
    tree.images.update(images)
    grid, reference = lattice(files), _reference(files)
    for file in kept:
        if file.kind == "image":
            continue
        for image, image_file in images.items():
            if file.images is None or image.partition("/")[2] in file.images:
                for name, inside in _masks(file, grid).items():
                    _add(tree.masks, f"{image}#{name}", truth(file, image_file, reference, inside))


def _channels(file: ReplicaFile) -> tuple[str, ...]:
    """Return the channels in an image file; one without a name is the whole image."""
    if file.kind != "image":
        return ()
    return file.channels or (file.channel or "",)


def _masks(file: ReplicaFile, grid: Lattice) -> Mapping[str, Voxels]:
    """Return target, rater and instance of every mask of a file, and its voxels."""
    found: dict[str, Voxels] = {}
    rater = f"/{file.rater}" if file.rater else ""
    for block in blocks_of(file):
        for target in block.targets:
            _add(found, f"{target}{rater}", grid.voxels(block))
            if file.instances:
                _add(found, f"{target}{rater}/{block.label}", grid.voxels(block))
    return found


def _add(masks: dict[str, Voxels], name: str, inside: Voxels) -> None:
    masks[name] = masks[name] | inside if name in masks else inside
