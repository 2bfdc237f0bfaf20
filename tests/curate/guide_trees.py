"""The source trees of docs/recipes.md, by heading, and what must come of them: voxels that were put there by hand."""

import json
import runpy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

Voxels = set[tuple[int, int, int]]
SHAPE = (8, 4, 3)
"""Of every volume, unless it matters."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a build must give."""

    masks: Mapping[str, Voxels]
    """`<case>[/<channel>]#<target>...` -> its voxels (i, j, k) on the image's canonical grid."""
    rejected: tuple[str, ...] = ()
    """Code, and the image and target or the file that it is about."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """Kind, name and column -> value: `image p1 modality` -> `CT`."""
    intensities: Mapping[str, float] = field(default_factory=dict)
    """Image -> the value of all its voxels."""


@dataclass(frozen=True, slots=True)
class Site:
    """A source tree that is being made."""

    folder: Path
    """Below it lie `raw`, the dataset's own tree, and one folder per further root."""

    def file(self, path: str) -> Path:
        """Return where a file goes, `PATH` or `ROOT:PATH`; its folder is made."""
        root, colon, rest = path.rpartition(":")
        place = self.folder / (root if colon else "raw") / rest
        place.parent.mkdir(parents=True, exist_ok=True)
        return place

    def volume(self, path: str, voxels: np.ndarray, affine: np.ndarray | None = None) -> None:
        """Write NIfTI."""
        import nibabel

        nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4) if affine is None else affine), self.file(path))

    def image(self, *paths: str, shape: tuple[int, ...] = SHAPE, value: int = 100) -> None:
        """Write images of one value."""
        for path in paths:
            if path.endswith(".png"):
                self.picture(path, np.full((16, 16), value, np.uint8))
            else:
                self.volume(path, np.full(shape, value, np.int16))

    def labels(self, path: str, *values: int) -> None:
        """Write a label map in which the nth value has the voxels `at(n)`."""
        voxels = np.zeros(SHAPE, np.int32)
        for n, value in enumerate(values):
            voxels[tuple(np.array(sorted(at(n))).T)] = value
        self.volume(path, voxels)

    def picture(self, path: str, rows: np.ndarray) -> None:
        """Write a picture, (row, column[, colour])."""
        from PIL import Image

        Image.fromarray(rows).save(self.file(path))

    def cases(self, *names: str) -> dict[str, Voxels]:
        """Write image and label map of cases as the guide's standard entries name them; return their masks."""
        for name in names:
            self.image(f"images/{name}.nii.gz")
            self.labels(f"labels/{name}.nii.gz", 1)
        return {f"{name}#liver": at(0) for name in names}


TREES: dict[str, Callable[[Site], Expected]] = {}
"""Heading of the guide -> what makes its tree."""


def under(heading: str) -> Callable[[Callable[[Site], Expected]], Callable[[Site], Expected]]:
    """Register what makes the tree of a heading."""

    def register(make: Callable[[Site], Expected]) -> Callable[[Site], Expected]:
        TREES[heading] = make
        return make

    return register


def at(*places: int) -> Voxels:
    """Return the voxels of the nth values of a label map, two each."""
    return {(n, j, 1) for n in places for j in (1, 2)}


def spot(left: int, top: int, right: int, bottom: int) -> Voxels:
    """Return the pixels (column, row, 0) of a rectangle, half-open."""
    return {(i, j, 0) for i in range(left, right) for j in range(top, bottom)}


def painted(spots: Iterable[tuple[Voxels, Any]], colours: int = 0) -> np.ndarray:
    """Return a picture, (row, column[, colour]) of 8 bits, with spots on black."""
    rows = np.zeros((16, 16, colours) if colours else (16, 16), np.uint8)
    for pixels, value in spots:
        for i, j, _ in pixels:
            rows[j, i] = value
    return rows


@under("A complete recipe")
def _(site: Site) -> Expected:
    site.image(*(f"imagesTr/p{n}_0000.nii.gz" for n in (1, 3, 4)))
    site.labels("labelsTr/p1.nii.gz", 1, 2)
    site.labels("labelsTr/p3.nii.gz", 1)
    site.file("dataset.json").write_text("{}", encoding="utf-8")
    return Expected(
        {
            "p1#hippocampus_anterior": at(0),
            "p1#hippocampus_posterior": at(1),
            "p3#hippocampus_anterior": at(0),
        },
        ("empty_mask p3#hippocampus_posterior", "no_label imagesTr/p4_0000.nii.gz"),
    )


@under("How to read the examples")
def _(site: Site) -> Expected:
    return Expected(site.cases("p1"))


@under("Values")
def _(site: Site) -> Expected:
    site.image("images/p1.nii.gz")
    site.labels("labels/p1.nii.gz", -1, 1, 10, 98, 255, 5000, 70_000)
    return Expected(
        {"p1#sacrum": at(1, 2), "p1#lung_nodule": at(0), "p1#lesion": at(5, 6)},
        ("unknown_value labels/p1.nii.gz", "empty_mask p1#heart_myocardium"),
    )


@under("Unions of values")
def _(site: Site) -> Expected:
    site.image("images/p1.nii.gz", "images/p2.nii.gz")
    site.labels("labels/p1.nii.gz", 1, 2, 3)
    site.labels("labels/p2.nii.gz", 3)
    first = {"p1#kidney": at(0, 1, 2), "p1#lesion": at(1, 2), "p1#kidney_tumor": at(1)}
    return Expected(first | {"p2#kidney": at(0), "p2#lesion": at(0)}, ("empty_mask p2#kidney_tumor",))


@under("Colours")
def _(site: Site) -> Expected:
    red, green, blue = spot(1, 2, 4, 5), spot(6, 2, 9, 4), spot(6, 9, 7, 10)
    site.image("images/p1.png")
    colours = [(red, (255, 0, 0)), (green, (0, 255, 0)), (blue, (0, 0, 255))]
    site.picture("labels/p1.png", painted(colours, colours=3))
    return Expected({"p1#histology_gland": red, "p1#nucleus_dead": green}, ("unknown_value labels/p1.png",))


@under("Instances")
def _(site: Site) -> Expected:
    three, seven = spot(1, 2, 4, 5), spot(4, 5, 9, 7)  # they touch at a corner
    site.image("images/p1.png")
    site.picture("labels/p1.png", painted([(three, 3), (seven, 7)]))
    return Expected({"p1#cell_nucleus/3": three, "p1#cell_nucleus/7": seven, "p1#cell_nucleus": three | seven})


@under("One file per structure")
def _(site: Site) -> Expected:
    site.image("images/p1.nii.gz")
    site.labels("segmentations/p1/liver.nii.gz", 1)
    site.labels("segmentations/p1/spleen_v2.nii.gz", 0, 255)
    site.labels("segmentations/p1/stomach.nii.gz")
    site.labels("segmentations/p1/artefact.nii.gz", 1)
    site.labels("segmentations/p1/couch.nii.gz", 1)
    return Expected(
        {"p1#liver": at(0), "p1#spleen": at(1)},
        (
            "empty_mask p1#stomach",
            "unknown_label_name segmentations/p1/artefact.nii.gz",
            "excluded segmentations/p1/couch.nii.gz",
        ),
        {"image p1 labelled_targets": "liver spleen stomach"},
    )


@under("Parts of one structure")
def _(site: Site) -> Expected:
    first, second = spot(1, 2, 4, 5), spot(3, 4, 9, 7)
    site.image("images/p1.png")
    site.picture("labels/p1_hip_left_000.png", painted([(first, 255)]))
    site.picture("labels/p1_hip_left_001.png", painted([(second, 255)]))
    return Expected({"p1#hip_bone_left": first | second})


@under("One mask")
def _(site: Site) -> Expected:
    left, rim, cup = spot(0, 0, 8, 16), spot(3, 3, 12, 12), spot(5, 5, 9, 8)
    site.image("images/p1.png", "images/p2.png")
    smeared = painted([(left, 250)])  # blocks of 8 x 8 pixels of one value: JPG keeps their borders
    site.picture("polyps/p1.jpg", np.where(smeared > 0, 250, 6).astype(np.uint8))
    site.picture("discs/p2.bmp", painted([(spot(0, 0, 16, 16), 255), (rim, 128), (cup, 0)]))
    return Expected({"p1#colorectal_polyp": left, "p2#optic_disc": rim | cup, "p2#optic_cup": cup})


@under("Outlines")
def _(site: Site) -> Expected:
    head = spot(2, 3, 12, 11)
    line = head - spot(3, 4, 11, 10)
    site.image("images/p1.png", "images/p2.png")
    site.picture("labels/p1.png", painted([(line, 255)]))
    site.picture("labels/p2.png", painted([(line - {(2, 6, 0), (2, 7, 0)}, 255)]))
    return Expected({"p1#fetal_head": head}, ("open_outline p2#fetal_head",))


@under("DICOM")
def _(site: Site) -> Expected:
    from curate.geometry import Geometry

    maker = runpy.run_path(str(Path(__file__).with_name("dicom") / "conftest.py"))["Maker"](site.file("p1/x").parent)
    grid = Geometry((7, 6, 3), np.diag([-1.0, -1.0, 2.0, 1.0]))
    scout = {"SeriesInstanceUID": "1.2.3.7", "SeriesDescription": "scout"}
    maker.classic(grid, names=[f"ct/s{k}" for k in range(3)], **scout)
    slices = maker.classic(grid, names=[f"ct/r{k}" for k in range(3)], SeriesDescription="Recon 3: liver")
    organ, mass, rest = ({(i, j, k) for j in (1, 2, 3)} for i, k in ((1, 0), (4, 1), (5, 2)))
    _segmentation(maker, slices, grid.shape_ijk, {"Organ": organ, "Mass 1": mass, "Remnant": rest})

    def square(k: int, i: int) -> np.ndarray:
        corners = [(i - 0.5, 1.5, k), (i + 0.5, 1.5, k), (i + 0.5, 3.5, k), (i - 0.5, 3.5, k)]
        return grid.to_world(np.array(corners))

    maker.structures({"GTV-1": [square(0, 3)], "gtv_2": [square(2, 4)], "Couch": [square(1, 1)]})
    gtv = {(i, j, k) for i, k in ((3, 0), (4, 2)) for j in (2, 3)}
    placed = {"p1#liver": organ, "p1#liver_tumor": mass, "p1#lung_tumor": gtv}
    canonical = {name: {(6 - i, 5 - j, k) for i, j, k in voxels} for name, voxels in placed.items()}
    return Expected(canonical, ("unknown_label_name p1/seg.dcm", "empty_mask p1#heart"))


def _segmentation(
    maker: Any, slices: list[Any], shape: tuple[int, int, int], segments: Mapping[str, Voxels], name: str = "seg.dcm"
) -> None:
    """Write a DICOM SEG; the first segment is described by the code of the liver, the others by that of a mass."""
    import highdicom
    from pydicom.sr.codedict import codes

    kinds = [codes.SCT.Liver, codes.SCT.Mass, codes.SCT.Mass][: len(segments)]
    manual = highdicom.seg.SegmentAlgorithmTypeValues.MANUAL
    described = [
        highdicom.seg.SegmentDescription(number, name, codes.SCT.Organ, kind, manual)
        for number, (name, kind) in enumerate(zip(segments, kinds, strict=True), start=1)
    ]
    pixels = np.zeros((shape[2], shape[1], shape[0], len(segments)), np.uint8)
    for n, voxels in enumerate(segments.values()):
        for i, j, k in voxels:
            pixels[k, j, i, n] = 1
    uids = {"series_instance_uid": "1.2.3.8", "series_number": 8, "sop_instance_uid": "1.2.3.8.1", "instance_number": 1}
    maker_facts = {"manufacturer": "a test", "manufacturer_model_name": "a test", "software_versions": "1"}
    seg = highdicom.seg.Segmentation(
        slices, pixels, "BINARY", described, device_serial_number="1", **uids, **maker_facts
    )
    maker.save(seg, name)


@under("Segmentations of 3D Slicer")
def _(site: Site) -> Expected:
    site.image("images/p1.nii.gz")
    first, second = np.zeros((2, 4, 2, 2), np.uint8)
    first[0:3, 0], second[1:4] = 1, 1
    start = (2, 1, 1)  # of the part that the file covers
    head = "NRRD0005\ntype: uchar\ndimension: 4\nspace: right-anterior-superior\nsizes: 2 4 2 2\n"
    head += "space directions: none (1,0,0) (0,1,0) (0,0,1)\nkinds: list domain domain domain\n"
    head += f"space origin: {start}\nencoding: raw\nendian: little\n".replace(", ", ",")
    code = "Segmentation category and type~SCT^123037004^Anatomical Structure~SCT^10200004^Liver~^^~~^^~^^"
    head += f"Segment0_Name:=Leber\nSegment0_Tags:=TerminologyEntry:{code}|\nSegment0_Layer:=0\n"
    head += "Segment0_LabelValue:=1\nSegment1_Name:=Tumour\nSegment1_Layer:=1\nSegment1_LabelValue:=1\n\n"
    site.file("labels/p1.seg.nrrd").write_bytes(head.encode() + np.stack([first, second]).tobytes(order="F"))
    liver = {(2 + i, 1, 1 + k) for i in (0, 1, 2) for k in (0, 1)}
    tumour = {(2 + i, 1 + j, 1 + k) for i in (1, 2, 3) for j in (0, 1) for k in (0, 1)}
    return Expected({"p1#liver": liver, "p1#liver_tumor": tumour})


@under("Several raters")
def _(site: Site) -> Expected:
    site.image("images/p1.nii.gz")
    site.labels("labels/p1/annotation_1.nii.gz", 1)
    site.labels("labels/p1/annotation_2.nii.gz", 1, 1)
    return Expected({"p1#pancreas/1": at(0), "p1#pancreas/2": at(0, 1)})


@under("Channels that share a mask")
def _(site: Site) -> Expected:
    site.image("p1/flair.nii.gz", "p1/t1ce.nii.gz")
    site.labels("p1/seg.nii.gz", 2)
    site.labels("p1/enhancing.nii.gz", 0, 1)
    edema = {f"p1/{channel}#brain_tumor_edema": at(0) for channel in ("FLAIR", "T1c")}
    return Expected(edema | {"p1/T1c#brain_tumor_enhancing": at(1)})


@under("4D files")
def _(site: Site) -> Expected:
    volumes = np.stack([np.full(SHAPE, 30, np.int16), np.full(SHAPE, 70, np.int16)], axis=3)
    site.volume("images/p1.nii.gz", volumes)
    site.labels("labels/p1.nii.gz", 1)
    masks = {f"p1/{channel}#liver": at(0) for channel in ("FLAIR", "T1")}
    return Expected(masks, intensities={"p1/FLAIR": 30, "p1/T1": 70})


@under("Arrays with names")
def _(site: Site) -> Expected:
    import h5py

    mask = np.zeros(SHAPE, np.uint8)
    mask[3, 2, 1] = 1
    with h5py.File(site.file("p1.h5"), "w") as file:
        file["image"], file["masks/atrium"] = np.full(SHAPE, 9.5, np.float32), mask
    return Expected({"p1#heart_atrium_left": {(3, 2, 1)}}, facts={"image p1 geometry": "none"}, intensities={"p1": 9.5})


@under("Spacing")
def _(site: Site) -> Expected:
    mask = np.zeros((2, 5, 6), np.uint8)
    mask[1, 0, 1] = mask[1, 0, 2] = 1  # k = 1, j = 0, i = 1 and 2
    np.save(site.file("p1/data.npy"), np.full((2, 5, 6), 100, np.int16))
    np.save(site.file("p1/gt.npy"), mask)
    facts = {"geometry": "repaired:spacing_from_recipe", "shape_ijk": "6 5 2", "spacing_mm": "0.5 0.5 2.0"}
    towards_right_and_front = {(5 - 1, 4 - 0, 1), (5 - 2, 4 - 0, 1)}
    return Expected({"p1#teeth": towards_right_and_front}, facts={f"image p1 {key}": facts[key] for key in facts})


@under("Flipped voxels")
def _(site: Site) -> Expected:
    site.image("images/p1.nii.gz")
    site.labels("labels/p1.nii.gz", 1, 1)
    return Expected({"p1#brain": at(7, 6)})


@under("Grids that differ")
def _(site: Site) -> Expected:
    site.image("images/p1.nii.gz", "images/p2.nii.gz", "images/p3.nii.gz", "images/p4.nii.gz")
    moved, coarse = np.eye(4), np.diag([2.0, 1.0, 1.0, 1.0])
    moved[:3, 3] = 40, 50, 60
    coarse[0, 3] = 0.5  # each voxel covers two of the image's
    label = np.zeros(SHAPE, np.uint8)
    label[3, 2, 1] = 1
    site.volume("moved/p1.nii.gz", label, moved)
    site.volume("true/p2.nii.gz", label, np.diag([1.0, 1.0, 2.5, 1.0]))
    site.volume("coarse/p3.nii.gz", label[:4], coarse)
    site.volume("moved/p4.nii.gz", label[:5], moved)
    masks = {"p1#liver": {(3, 2, 1)}, "p2#liver": {(3, 2, 1)}, "p3#liver": {(6, 2, 1), (7, 2, 1)}}
    rejected = ("grid_replaced moved/p1.nii.gz", "grid_replaced coarse/p3.nii.gz", "grid_mismatch moved/p4.nii.gz")
    facts = {"image p2 geometry": "repaired:geometry_of_label", "image p2 spacing_mm": "1.0 1.0 2.5"}
    return Expected(masks, (*rejected, "no_label images/p4.nii.gz"), facts)


@under("Intensities")
def _(site: Site) -> Expected:
    masks = site.cases("p1")
    site.image("images/p1.nii.gz", value=1050)
    return Expected(masks, facts={"image p1 intensity_unit": "HU"}, intensities={"p1": 50})


@under("Names")
def _(site: Site) -> Expected:
    masks = site.cases("amos_0004", "amos_0507")
    site.file("labels/._amos_0507.nii.gz").write_bytes(b"\0\5\x16\7")
    facts = {"image amos_0004 modality": "CT", "image amos_0507 modality": "MR"}
    return Expected(masks, ("system_file labels/._amos_0507.nii.gz",), facts)


@under("Patients")
def _(site: Site) -> Expected:
    names = [f"BraTS-GLI-00005-{n:03}" for n in (0, 1)]
    facts = {f"image {name} patient_id": "BraTS-GLI-00005" for name in names}
    return Expected(site.cases(*names), facts=facts)


@under("Leaving out")
def _(site: Site) -> Expected:
    site.cases("ATM_001", "ATM_164")
    site.image("images/phantom_1.nii.gz")
    files = ("images/ATM_164", "labels/ATM_164", "images/phantom_1", "labels/ATM_001")
    return Expected({}, (*(f"excluded {file}.nii.gz" for file in files), "no_label images/ATM_001.nii.gz"))


@under("The series that a segmentation was drawn on")
def _(site: Site) -> Expected:
    from curate.geometry import Geometry

    maker = runpy.run_path(str(Path(__file__).with_name("dicom") / "conftest.py"))["Maker"](site.file("p1/x").parent)
    grid = Geometry((7, 6, 4), np.diag([-1.0, -1.0, 2.0, 1.0]))
    other = Geometry((7, 6, 3), grid.affine)
    maker.classic(other, names=[f"a/{k}" for k in range(3)], SeriesInstanceUID="1.2.3.7")
    slices = maker.classic(grid, names=[f"b/{k}" for k in range(4)])
    (maker.folder / "seg").mkdir()
    _segmentation(maker, slices, grid.shape_ijk, {"Organ": {(1, 2, 3)}}, "seg/1-1.dcm")
    return Expected({"p1#liver": {(5, 3, 3)}}, facts={"image p1 shape_ijk": "7 6 4"})


@under("Names that recur")
def _(site: Site) -> Expected:
    for video in ("video_1", "video_2"):
        site.image(f"{video}/images/frame000.nii.gz")
        site.labels(f"{video}/masks/frame000.nii.gz", 1)
    return Expected({f"video_{n}-frame000#liver": at(0) for n in (1, 2)})


@under("Folders of slices")
def _(site: Site) -> Expected:
    from curate.geometry import Geometry

    maker = runpy.run_path(str(Path(__file__).with_name("dicom") / "conftest.py"))["Maker"](site.file("p1/x").parent)
    maker.classic(Geometry((8, 4, 3), np.diag([-1.0, -1.0, 2.0, 1.0])), names=[f"ct/{k}" for k in range(3)])
    for k in range(3):
        rows = np.zeros((4, 8), np.uint8)
        rows[1, 2 + k] = 255
        site.picture(f"p1/ground/liver_{k:03}.png", rows)
    # Columns run to the patient's left and rows to the back; the first picture is the uppermost slice.
    inside = {(7 - (2 + k), 3 - 1, 2 - k) for k in range(3)}
    return Expected({"p1#liver": inside}, ("grid_replaced p1/ground/",))


@under("Labels without images")
def _(site: Site) -> Expected:
    image = "hepatic:imagesTr/hepaticvessel_001.nii.gz"
    site.image(image)
    site.labels("labels/hepaticvessel_001.nii.gz", 1)
    facts = {"image hepaticvessel_001 source_path": image}
    return Expected({"hepaticvessel_001#liver": at(0)}, facts=facts)


@under("In every case")
def _(site: Site) -> Expected:
    site.image("images/p1.nii.gz")
    site.labels("labels/p1/liver.nii.gz", 1)
    facts = {"image p1 labelled_targets": "liver liver_tumor"}
    return Expected({"p1#liver": at(0)}, ("empty_mask p1#liver_tumor",), facts)


@under("In some cases")
def _(site: Site) -> Expected:
    for name in ("full_1", "kits_1"):
        site.image(f"images/{name}.nii.gz")
        site.labels(f"labels/{name}.nii.gz", 2)
    facts = {"image full_1 labelled_targets": "kidney liver", "image kits_1 labelled_targets": "kidney"}
    return Expected({"full_1#kidney": at(0), "kits_1#kidney": at(0)}, ("empty_mask full_1#liver",), facts)


@under("Splits in paths")
def _(site: Site) -> Expected:
    for part, name in (("Tr", "p1"), ("Va", "p2")):
        site.image(f"images{part}/{name}.nii.gz")
        site.labels(f"labels{part}/{name}.nii.gz", 1)
    facts = {"split p1": "train", "split p2": "val"}
    return Expected({"p1#liver": at(0), "p2#liver": at(0)}, facts=facts)


@under("Splits in lists")
def _(site: Site) -> Expected:
    masks = site.cases("s0001", "s0002", "s0003", "s0004")
    table = "image_id;age;gender;split\ns0001;65;m;test\ns0002;65;f;train\n"
    site.file("meta.csv").write_text(table, encoding="utf-8-sig")
    content = {"train": ["s0003.nii.gz"], "val": ["s0002.nii.gz"]}
    site.file("splits.json").write_text(json.dumps(content), encoding="utf-8")
    facts = {"split s0001": "test", "split s0002": "val", "split s0003": "test", "split s0004": "train"}
    return Expected(masks, facts=facts)


@under("What is not certain")
@under("Downloads")
def _(site: Site) -> Expected:
    return Expected(site.cases("p1"))


@under("Replicas")
def _(site: Site) -> Expected:
    return Expected(site.cases("p1"), ("empty_mask p1#liver_tumor",))


@under("Licences")
def _(site: Site) -> Expected:
    return Expected(site.cases("p1"), facts={"dataset licence_state": "conflict"})


@under("Datasets made of others")
def _(site: Site) -> Expected:
    origins = {"image liver_5 origin": "lits/volume-5", "image liver_28 origin": "3d-ircadb-01/1"}
    return Expected(site.cases("liver_5", "liver_28"), facts=origins | {"dataset derived_from": "3d-ircadb-01 lits"})
