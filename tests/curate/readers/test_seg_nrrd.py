import gzip

import numpy as np
import pytest

from curate import readers
from curate.errors import ReadError
from curate.geometry import Geometry
from curate.readers.part import Part
from curate.readers.seg_nrrd import NamedSegment, read_segments, segments

SHAPE = (4, 5, 6)
LPS = "space: left-posterior-superior\nspace directions: {directions}\nkinds: {kinds}\nspace origin: (10,20,30)\n"
AFFINE = np.diag([-1.0, -2, 3, 1])
AFFINE[:3, 3] = -10, -20, 30
LIVER = "Segmentation category and type~SCT^123037004^Anatomical Structure~SCT^10200004^Liver~^^~Anatomic codes~^^~^^"


@pytest.fixture
def written(tmp_path):
    """Return a function that writes layers, (layer, i, j, k), with the fields of segments, the list axis first."""

    def call(layers, fields, *, last=False, space=LPS, name="case.seg.nrrd"):
        layers = np.asarray(layers)
        domain = "(1,0,0) (0,2,0) (0,0,3)"
        if len(layers) == 1:
            sizes, directions, kinds = layers.shape[1:], domain, "domain domain domain"
            voxels = layers[0]
        elif last:
            sizes, directions, kinds = (*layers.shape[1:], len(layers)), f"{domain} none", "domain domain domain list"
            voxels = np.moveaxis(layers, 0, -1)
        else:
            sizes, directions, kinds = layers.shape, f"none {domain}", "list domain domain domain"
            voxels = layers
        types = {"uint8": "uchar", "int16": "short", "uint16": "ushort", "float32": "float"}
        head = f"NRRD0005\ntype: {types[str(voxels.dtype)]}\ndimension: {voxels.ndim}\n"
        head += space.format(directions=directions, kinds=kinds)
        head += f"sizes: {' '.join(map(str, sizes))}\nencoding: gzip\nendian: little\n"
        head += "".join(f"{key}:={value}\n" for key, value in fields.items())
        (tmp_path / name).write_bytes(head.encode() + b"\n" + gzip.compress(voxels.tobytes(order="F")))
        return tmp_path / name

    return call


def labels(*values, dtype=np.uint8):
    """Return a layer with one block of voxels per value."""
    layer = np.zeros(SHAPE, dtype)
    for index, value in enumerate(values):
        layer[index, 1:3, index : index + 3] = value
    return layer


def fields(number, name, value=1, layer=0, **others):
    """Return the fields of a segment."""
    known = {"ID": f"Segment_{number}", "Name": name, "LabelValue": value, "Layer": layer} | others
    return {f"Segment{number}_{key}": text for key, text in known.items() if text is not None}


def test_segments_have_names_layers_values_and_codes(written):
    """What a recipe chooses by stands in the header; a segment without name goes by its ID."""
    path = written(
        [labels(1, 7), labels(1)],
        fields(0, "liver", 7, Tags=f"Segmentation.Status:completed|TerminologyEntry:{LIVER}|")
        | fields(2, "tumour", 1, 1, Tags="Segmentation.Status:inprogress|")
        | fields(10, None, 1, 0),
    )
    assert segments(path) == [
        NamedSegment(0, "liver", 0, 7, "SCT:10200004"),
        NamedSegment(2, "tumour", 1, 1),
        NamedSegment(10, "Segment_10", 0, 1),
    ]


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "float32"])
def test_segments_of_one_layer_are_its_values(written, dtype):
    """Each segment is where its value is, on the grid of the file."""
    layer = labels(1, 200 if dtype != "int16" else 2, dtype=dtype)
    path = written([layer], fields(0, "a", 1) | fields(1, "b", layer.max().astype(int)) | fields(2, "empty", 9))
    found = read_segments(path)
    assert list(found) == [0, 1, 2]
    assert (found[0].full() == (layer == 1)).all()
    assert (found[1].full() == (layer == layer.max())).all()
    assert (found[2].count, found[2].shape_ijk) == (0, SHAPE)


@pytest.mark.parametrize("last", [False, True])
def test_layers_hold_segments_that_overlap(written, last):
    """The list axis may come first or last; a voxel can belong to a segment of each layer."""
    first, second = labels(1, 2), labels(2, 1)
    path = written(
        [first, second], fields(0, "a", 2) | fields(1, "b", 1) | fields(2, "c", 1, 1) | fields(3, "d", 2, 1), last=last
    )
    found = read_segments(path)
    expected = {0: first == 2, 1: first == 1, 2: second == 1, 3: second == 2}
    assert {number: mask.full().tolist() for number, mask in found.items()} == {
        number: mask.tolist() for number, mask in expected.items()
    }
    assert (found[0].full() & found[2].full()).any()


def test_a_layer_is_a_label_map(written):
    """As a volume the file is a label map; of several layers `volume_index` takes one."""
    path = written([labels(1, 2), labels(3)], fields(0, "a"))
    with pytest.raises(ReadError, match="set `volume_index` to take one of its 2 volumes"):
        readers.read(path)
    assert (readers.read(path, Part(volume_index=1)).voxels == labels(3)).all()
    path = written([labels(1, 2)], fields(0, "a"))
    assert (readers.read(path).voxels == labels(1, 2)).all()
    assert np.allclose(readers.header(path).geometry.affine, AFFINE)


def test_the_offset_of_a_later_file_moves_nothing(written):
    """The origin is that of the first voxel; the offset only says where that was in the image."""
    offset = {"Segmentation_ReferenceImageExtentOffset": "5 6 7", "Segment0_Extent": "0 3 0 4 0 5"}
    assert np.allclose(readers.header(written([labels(1)], fields(0, "a") | offset)).affine, AFFINE)


def test_a_file_of_the_first_format_lies_where_its_extent_starts(tmp_path):
    """Its origin is the image's, in RAS and unnamed; layer N is segment N, with neither layer nor value stated."""
    head = (
        "NRRD0004\ntype: uchar\ndimension: 4\nspace dimension: 4\nsizes: 4 5 6 2\n"
        "space directions: (-1,0,0,0) (0,-2,0,0) (0,0,3,0) (0,0,0,1)\nkinds: domain domain domain domain\n"
        "encoding: raw\nspace origin: (100,200,-30,0)\nSegment0_ID:=one\nSegment0_Name:=bladder\n"
        "Segment1_ID:=two\nSegmentation_Extent:=-2 1 7 11 3 8\n\n"
    )
    layers = [labels(1), labels(0, 1)]
    path = tmp_path / "case.seg.nrrd"
    path.write_bytes(head.encode() + np.stack(layers, axis=3).tobytes(order="F"))
    assert segments(path) == [NamedSegment(0, "bladder", 0, 1), NamedSegment(1, "two", 1, 1)]
    header = readers.header(path, Part(volume_index=0))
    assert (header.geometry.orientation, header.verdict) == ("LPS", "ok")
    assert header.geometry.to_world((0, 0, 0)).tolist() == [100 + 2, 200 - 14, -30 + 9]
    assert readers.read(path, Part(volume_index=1)).geometry.same_grid(header.geometry, tolerance=0)
    assert [mask.full().tolist() for mask in read_segments(path).values()] == [
        (layer == 1).tolist() for layer in layers
    ]


def test_a_cropped_file_is_put_on_the_image(written):
    """Slicer crops to what is segmented: on the image's grid, in another orientation, voxels are where they were."""
    path = written([labels(1)], fields(0, "a"))
    affine = np.diag([1.0, 2, 3, 1])
    affine[:3, 3] = AFFINE[:3, 3] - (8, 12, 9)  # RAS, so that i and j run the other way
    mask = read_segments(path, Geometry((10, 10, 10), affine))[0]
    expected = np.zeros((10, 10, 10), bool)
    expected[8 - 3 : 9, 6 - 4 : 7, 3:9] = (labels(1) == 1)[::-1, ::-1]
    assert (mask.full() == expected).all()
    with pytest.raises(ReadError, match=r"^case\.seg\.nrrd: it fills the box .* beyond the image's grid") as caught:
        read_segments(path, Geometry((10, 10, 3), affine))
    assert caught.value.code == "grid_mismatch"


def test_a_single_voxel_means_that_all_are_empty(written):
    """Slicer has no other way to store a segmentation without voxels; its grid means nothing."""
    path = written(np.zeros((1, 1, 1, 1), np.uint8), fields(0, "a") | fields(1, "b", 2))
    image = Geometry((10, 11, 12), np.diag([9.0, 9, 9, 1]))
    found = read_segments(path, image)
    assert {number: (mask.count, mask.shape_ijk) for number, mask in found.items()} == dict.fromkeys(
        (0, 1), (0, (10, 11, 12))
    )
    assert read_segments(written(np.zeros((1, 1, 1, 1), np.uint8), {})) == {}


@pytest.mark.parametrize(
    ("layers", "header", "code", "message"),
    [
        ([labels(1)], {}, "unreadable", "describes no segment, expected fields such as Segment0_Name"),
        (
            [labels(1)],
            fields(0, "a", 1, 1),
            "unreadable",
            "segment 0 has layer 1 and value 1, expected a layer below 1",
        ),
        (
            [labels(1)],
            fields(0, "a", 0),
            "unreadable",
            "segment 0 has layer 0 and value 0, expected .* from 1 to 65535",
        ),
        ([labels(1)], fields(0, "a", 2**32), "unreadable", "value 4294967296, expected .* from 1 to 65535"),
        ([labels(1)], fields(0, "a", "one"), "unreadable", "invalid literal for int"),
        ([labels(1, 2)], fields(0, "a", 1), "unknown_value", "value 2 is that of no segment"),
        (
            [labels(-1, dtype=np.int16)],
            fields(0, "a", 1),
            "unknown_value",
            "values from -1 to 0, those of segments are",
        ),
        ([labels(0.5, dtype=np.float32)], fields(0, "a", 1), "fractional_values", "voxels are no integers"),
        ([labels(np.nan, dtype=np.float32)], fields(0, "a", 1), "unknown_value", "values from nan to nan"),
        (
            [labels(1)],
            fields(0, "a") | {"Segmentation_MasterRepresentation": "Fractional labelmap"},
            "fractional_values",
            "a fractional label map, expected a binary one",
        ),
    ],
)
def test_what_the_header_does_not_explain_is_refused(written, layers, header, code, message):
    """Segments and voxels must agree; each disagreement has its code and says what was found."""
    with pytest.raises(ReadError, match=rf"^case\.seg\.nrrd: .*{message}") as caught:
        read_segments(written(layers, header))
    assert caught.value.code == code


def test_names_that_are_no_text_do_not_spoil_tables(written):
    """Bytes that are not UTF-8 are replaced, so that a message with the name can be stored."""
    path = written([labels(1)], fields(0, "liver"))
    path.write_bytes(path.read_bytes().replace(b"Name:=liver", b"Name:=liv\xff\xfe"))
    assert segments(path)[0].name.encode() == b"liv??"


@pytest.mark.shared
def test_slicer_phantoms_lie_inside_each_other(corpus_dir):
    """Seven results of set operations and margins, cropped differently, agree voxel for voxel on one grid.

    Shrunk lies in subtracted, that in united and in expanded; what was cut out is disjoint from what is left; and the
    rectum lies behind the bladder.
    """
    folder = corpus_dir / "slicerrt-segnrrd" / "Testing" / "Data"
    affine = np.diag([-0.976562, -0.976562, 2.5, 1])
    affine[:3, 3] = 250, 250, -132.5
    image = Geometry((512, 512, 60), affine)
    masks = {}
    for path in sorted(folder.glob("*.seg.nrrd")):
        (segment,) = segments(path)
        assert path.name.startswith(f"EclipseProstate_{segment.name}")
        masks[path.name.removeprefix("EclipseProstate_").removesuffix(".seg.nrrd")] = read_segments(path, image)[0]
    full = {name: mask.full() for name, mask in masks.items()}
    cut, left = full["Bladder_Intersect_PTV"], full["Bladder_Subtract_PTV"]
    assert (cut.sum(), left.sum(), (cut & left).sum()) == (8, 49348, 0)
    for inner, outer in (
        ("Shrunk_5_5_5_Bladder", "Bladder_Subtract_PTV"),
        ("Bladder_Subtract_PTV", "Bladder_Union_PTV"),
        ("Bladder_Subtract_PTV", "Expanded_5_5_5_Bladder"),
        ("Bladder_Intersect_PTV", "Bladder_Union_PTV"),
        ("Bladder_Intersect_PTV", "Expanded_5_5_5_Bladder"),
    ):
        assert not (full[inner] & ~full[outer]).any()
    margin_mm = np.abs(np.subtract(masks["Expanded_5_5_5_Bladder"].box, masks["Shrunk_5_5_5_Bladder"].box))
    assert np.median(margin_mm * ([0.976562, 0.976562, 2.5] * 2)) == pytest.approx(5 + 5, abs=1)
    front, back = (
        image.to_world(np.argwhere(full[f"Expanded_5_5_5_{name}"])).mean(axis=0)[1] for name in ("Bladder", "Rectum")
    )
    assert front - back > 50


def test_a_small_segment_costs_its_box(written):
    """Masks are boxes of voxels, as small as the segments."""
    mask = read_segments(written([labels(1)], fields(0, "a")))[0]
    assert (mask.box, mask.voxels.shape) == ((0, 1, 0, 1, 3, 3), (1, 2, 3))
