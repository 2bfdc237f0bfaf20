"""Tables in the layout of the papers: which cell holds what, and where published numbers stand."""

import pytest

from bench.page.cells import DASH
from bench.transfer.findings import examine
from bench.transfer.papers import sam_med2d, sam_med3d, sam_unet
from bench.transfer.papers.cells import PUBLISHED
from bench.transfer.papers.prompts import BOX, points, prompt_of
from bench.transfer.papers.structures import structure_of
from bench.transfer.reading import read_study

GROUPS = [{"name": "a", "stated": "seen"}, {"name": "b", "stated": "unseen"}]
BOXES = {"protocol": {"name": "box", "version": 1, "parameters": {}, "sha256": "ee"}}
BOX_ROW = {"protocol": "box@1", "protocol_hash": "ee"}
CLICKS = {"protocol": {"name": "random-error", "version": 1, "parameters": {}, "sha256": "ff"}}
CLICK_ROW = {"protocol": "random-error@1", "protocol_hash": "ff"}


def suite(name, groups=None):
    """Return the facts of a suite."""
    content = {"content": {"groups": groups}} if groups else {}
    return {"suite": {"name": name, "version": 1, "sha256": "aa"} | content}


def examined(*folders):
    """Return the findings and the study of some runs."""
    study = read_study(folders)
    return [examine(series, study.strata) for series in study.series], study


def cell(table, column, row, group=0):
    """Return one cell by the head of its column and the texts that its row begins with."""
    rows = [one for one in table.groups[group].rows if [part.text for part in one[: len(row)]] == row]
    return rows[0][table.columns.index(column)]


def test_words_of_prompts(make_run):
    """Steps are named as the papers' columns: clicks on the image, clicks on N slices, boxes."""
    runs = {
        name: make_run([{"protocol": f"{name}@1", "dice": 0.5}], protocol={"name": name, "parameters": {}})
        for name in ("random-error", "slice-points", "box", "box-then-clicks", "scribble")
    }
    series = {one.protocol: one for one in read_study(list(runs.values())).series}
    words = {name: prompt_of(series[f"{name}@1"], 3).text for name in runs}
    assert words == {
        "random-error": "3 pts",
        "slice-points": "3N pts",
        "box": "box",
        "box-then-clicks": "box + 2 pts",
        "scribble": "scribble, step 3",
    }
    assert [points(1, "volume").text, points(1, "slice").text] == ["1 pt", "N pts"]
    assert prompt_of(series["box-then-clicks@1"], 1) == BOX


def test_table_3_follows_the_statement(make_run):
    """Seen and unseen are what the suite states; what a training card says otherwise stands in columns of its own."""
    rows = [
        {"suite_group": "a", "seen_target": "seen", "dice": 0.8},
        {"suite_group": "b", "seen_target": "seen", "dice": 0.4},
        {"suite_group": "b", "seen_target": "unknown", "dice": 0.2},
    ]
    rows = [row | CLICK_ROW | {"suite": "mine"} for row in rows]
    table = sam_med3d.table_3(*examined(make_run(rows, **suite("mine", GROUPS), **CLICKS)))
    values = {head: cell(table, head, ["net", "1 pt"]).text for head in table.columns[2:]}
    assert values == {
        "Seen": "80.00",
        "Unseen": "30.00",
        "Overall": "46.67",
        "Seen, by card": "60.00",
        "Unseen, by card": DASH,
        "Unknown, by card": "20.00",
        "n masks": "3",
    }


def test_table_3_without_difference(make_run):
    """Where card and statement agree, or nothing is stated, there are no columns by card."""
    row = {"suite_group": "a", "seen_target": "seen", "dice": 0.8}
    agreeing = sam_med3d.table_3(*examined(make_run([row], **suite("tiny", GROUPS))))
    silent = sam_med3d.table_3(*examined(make_run([row], model="z")))
    assert agreeing.columns == silent.columns == ("Model", "Prompt", "Seen", "Unseen", "Overall", "n masks")
    assert "training card says" in silent.caption


def test_published_table_3(make_run):
    """The ten published rows stand apart, marked, in the paper's order of prompts, on the suite of the paper alone."""
    row = {"suite": "sam-med3d-16", "suite_group": "a", "dice": 0.8} | CLICK_ROW
    table = sam_med3d.table_3(*examined(make_run([row], **suite("sam-med3d-16", GROUPS), **CLICKS)))
    assert table.groups[0].title == "Run here"
    assert "table 3" in table.groups[1].title
    assert len(table.groups[1].rows) == 10
    found = cell(table, "Unseen", ["SAM-Med3D", "10 pts"], group=1)
    assert (found.text, found.notes[0]) == ("49.92", PUBLISHED)
    assert cell(table, "Overall", ["SAM", "5N pts"], group=1).text == "45.89"
    assert cell(table, "Seen", ["SAM-Med2D", "N pts"], group=1).text == "38.91"


def test_table_4(make_run):
    """Rows are datasets with their modality, then all masks; published models have columns of their own."""
    rows = [
        {"dataset": "btcv", "modality": "CT", "dice": 0.5},
        {"dataset": "tdsc-abus2023", "modality": "US", "dice": 0.3},
    ]
    rows = [row | CLICK_ROW | {"suite": "sam-med3d-6"} for row in rows]
    table = sam_med3d.table_4(*examined(make_run(rows, **suite("sam-med3d-6"), **CLICKS)))
    assert cell(table, "net: 1 pt", ["btcv", "CT"]).text == "50.00"
    assert cell(table, "net: 1 pt", ["all masks", DASH]).text == "40.00"
    assert "SegVol (official): point and text, published" in table.columns
    segvol = next(head for head in table.columns if head.startswith("SegVol"))
    assert cell(table, segvol, ["btcv", "CT"]).text == "73.81"
    assert cell(table, segvol, ["kits21", "CT"]).why == "the paper gives no number"
    assert cell(table, "net: 1 pt", ["kits21", "CT"]).why == "no mask of this run belongs here"


def test_table_5(make_run):
    """Seen targets stand by anatomical group, unseen ones as organ or lesion; what fits nowhere is counted."""
    rows = [
        {"anatomy_group": "bone", "seen_target": "seen", "dice": 0.9},
        {"anatomy_group": "bone", "seen_target": "unseen", "kind": "bone", "dice": 0.6},
        {"anatomy_group": "lesion", "seen_target": "unseen", "kind": "lesion", "dice": 0.3},
        {"anatomy_group": "gland", "seen_target": "seen", "dice": 0.1},
    ]
    table = sam_med3d.table_5(*examined(make_run(rows)))
    row = ["net", "clicks@2"[:6] + ", step 1"]
    values = {head: cell(table, head, row).text for head in ("Bone", "Unseen organ", "Unseen lesion", "n in no column")}
    assert values == {"Bone": "90.00", "Unseen organ": "60.00", "Unseen lesion": "30.00", "n in no column": "1"}
    assert cell(table, "Brain", row).why


def test_prompt_modes_of_one_model(make_run):
    """A run with boxes and a run with clicks fill one row; a mode without a run is a dash that says so."""
    clicks = [{"mask_id": "m", "step": step, "dice": step / 10} | CLICK_ROW for step in (1, 3)]
    folders = [
        make_run(clicks, **CLICKS),
        make_run([{"mask_id": "m", "dice": 0.7} | BOX_ROW], **BOXES),
        make_run([{"mask_id": "m", "dice": 0.2} | BOX_ROW], model="other", **BOXES),
    ]
    table = sam_med2d.by_mode(*examined(*folders))
    texts = {row[0].text: [part.text for part in row[1:]] for row in table.groups[0].rows}
    assert texts == {"net": ["70.00", "10.00", "30.00", DASH], "other": ["20.00", DASH, DASH, DASH]}
    assert cell(table, "5 pts", ["net"]).why == "no run of net with 5 pts is given"


def test_published_zero_shot(make_run):
    """The zero-shot table holds the paper's box and click numbers by dataset."""
    rows = [{"dataset": "kits23", "suite": "sam-med2d-miccai23", "dice": 0.5} | CLICK_ROW]
    table = sam_med2d.zero_shot(*examined(make_run(rows, **suite("sam-med2d-miccai23"), **CLICKS)))
    head = next(name for name in table.columns if name.startswith("SAM-Med2D (official): box"))
    assert cell(table, head, ["kits23"]).text == "89.89"
    assert cell(table, "net: 1 pt", ["kits23"]).text == "50.00"


def test_by_modality(make_run):
    """Boxes fill SAM-UNet's table where there are some; without any the caption says that clicks stand instead."""
    box = make_run([{"modality": "CT", "dice": 0.5} | BOX_ROW, {"modality": "US", "dice": 0.7} | BOX_ROW], **BOXES)
    click = make_run([{"dice": 0.1} | CLICK_ROW], **CLICKS)
    (table,) = sam_unet.tables(*examined(box, click))
    assert len(table.columns) == 2
    assert [(row[0].text, row[1].text) for row in table.groups[0].rows] == [
        ("CT", "50.00"),
        ("US", "70.00"),
        ("all masks", "60.00"),
    ]
    (table,) = sam_unet.tables(*examined(click))
    assert "no run here shows a box" in table.caption


def test_abstract_of_sam_unet(make_run):
    """The one published number of SAM-UNet stands in the row of all masks, in per cent."""
    row = {"suite": "sam-med2d-test@box", "dice": 0.5} | BOX_ROW
    (table,) = sam_unet.tables(*examined(make_run([row], **suite("sam-med2d-test@box"), **BOXES)))
    assert cell(table, table.columns[-1], ["all masks"]).text == pytest.approx("88.30")


@pytest.mark.parametrize(
    ("target", "structure"),
    [
        ("kidney_left", "kidney"),
        ("rib_3_right", "ribs"),
        ("vertebra_l5", "vertebrae_lumbar"),
        ("liver", "liver"),
        ("no_such_1", "no_such_1"),
    ],
)
def test_structures(target, structure):
    """Sides are merged, numbered bones stand under what they are part of, and unknown words under themselves."""
    assert structure_of(target) == structure
