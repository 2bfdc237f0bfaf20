import json
import re

import pytest

from curate import recipe
from curate.errors import ConfigError
from curate.plugins import StrictModel
from curate.recipe import DatasetFacts, Recipe, as_json
from curate.recipe.dataset import Exclusion, LabelledCases, Origin

EVERYTHING = r"""
schema = 1
patient = '^(p\d+)'
[dataset]
id = "tiny"
title = "Tiny volumes"
licence = "unclear"
licence_evidence = "nowhere"
licence_conflict = "the paper says CC0-1.0"
citation = "none"
homepage = "https://example.org"
unverified = ["its patients"]
source = "a test"
annotation = "phantom"
region = "abdomen"
[[images]]
root = "other"
path = "{split}/{patient}/{case:[a-z0-9]{3,9}}.h5"
array = "scans/t1"
volume_index = 2
axes = "-kij"
spacing_mm = [0.5, 0.5, 3.0]
orientation = "PSR"
channel = "T1"
modality = "MR"
sequence = "T1"
region = "head"
scale = 0.1
offset = -1000
unit = "ms"
[[images]]
path = "{case}/ct/"
channel = "CT"
modality = "CT"
series = { uid = "1.2.3", description = "^Recon", modality = "CT", referenced = true }
[[images]]
path = "whole.nii.gz"
case = "p9"
modality = "CT"
spacing_unknown = true
[[labels]]
path = "{case}/seg.nii.gz"
images = ["T1"]
values = { "1..24" = "liver", -3 = "spleen", "600.." = "kidney" }
composites = { kidney_tumor = ["1..2", 700] }
ignore_values = [255, "30..40"]
on_grid_mismatch = "image"
labelled = "present"
[[labels]]
path = "{case}/slices/"
target = "duodenum"
slice_order = "image_files"
[[labels]]
path = "{case}/colours.png"
values = { "#ff0000" = "liver" }
fill = true
rater = "anna"
[[labels]]
path = "{case}/{label}_{rater}.nii.gz"
names = { "L_*" = "liver" }
ignore_names = ["couch*"]
merge = true
threshold = 0.5
inverted = true
[[labels]]
path = "{case}/one.nii.gz"
target = "stomach"
[[labels]]
path = "{case}/many.nii.gz"
instances = "lesion"
[[labels]]
path = "{case}/seg.dcm"
segments = { "SCT:10200004" = "pancreas" }
[[labels]]
path = "{case}/rt.dcm"
rois = { "(?i)gtv" = "tumor" }
[[derived_from]]
dataset = "lits"
relation = "some_images"
evidence = "paper"
case = 'p(\d+)'
origin_case = 'volume-\1'
cases = { p9 = "28" }
[[exclude]]
case = "p3"
reason = "twice"
[[exclude]]
cases = "q.*"
reason = "phantoms"
[[exclude]]
file = "p4/*.png"
reason = "damaged"
[[labelled]]
cases = "p1.*"
targets = ["liver"]
[splits]
train = 0.5
val = 0.25
test = 0.25
names = { Tr = "train" }
cases = { test = ["p7"] }
[[splits.lists]]
file = "splits.json"
key = "0.val"
case = '(p\d+)'
split = "val"
[download]
access = "open"
page = "https://example.org"
steps = ["Look at the page."]
[[download.files]]
url = "https://example.org/a.zip"
name = "a.zip"
checksum = "md5:d41d8cd98f00b204e9800998ecf8427e"
size_bytes = 22
unpack = true
into = "data"
[replica]
rejections = { empty_mask = 1 }
[[replica.files]]
path = "data/{each}.nii.gz"
kind = "mask"
case = "p1"
channel = "T1"
channels = ["T1", "T2"]
colours = true
is_stack = true
slice_files = "{k:03}.png"
modality = "MR"
sequence = "T1"
split = "val"
values = { 1 = ["liver"] }
shows = "liver"
each = { liver = "liver" }
objects = { Liver = "liver" }
foreground = 255
background = 1
outline = true
images = ["T1"]
rater = "anna"
instances = true
volume_index = 0
orientation = "LPS"
spacing_mm = [1, 1, 2]
stored_as = "-ijk"
header_spacing_mm = [1, 1, 1]
origin_shift_mm = [0, 0, 5]
dtype = "uint16"
array = "gts"
text = "x"
rejected = "no_image"
[expect]
cases = 3
images = 4
masks = 5
rejections = { no_label = 2 }
"""


def load(tree, text):
    """Write a recipe of this text and load it."""
    path = tree.folder / "tiny.toml"
    path.write_text(text, encoding="utf-8")
    return recipe.load(str(path))


def owner(model, key):
    """Return the class that a key of a model comes from."""
    return next(base for base in reversed(model.__mro__) if key in getattr(base, "model_fields", {}))


def keys_set(model):
    """Return the keys that were given in a model and the models inside it, each with the class that it comes from."""
    found = {(owner(type(model), key), key) for key in model.model_fields_set}
    for key in model.model_fields_set:
        value = getattr(model, key)
        for inner in value if isinstance(value, tuple) else (value,):
            found |= keys_set(inner) if isinstance(inner, StrictModel) else set()
    return found


def test_every_key_of_a_recipe_survives_json(tree):
    """A recipe that uses every key there is comes back from JSON as it was, with the same hash."""
    found = load(tree, EVERYTHING)
    models = {model for model, _ in keys_set(found)}
    assert keys_set(found) == {(owner(model, key), key) for model in models for key in model.model_fields}
    again = Recipe.model_validate(json.loads(json.dumps(as_json(found))))
    assert again == found
    assert again.sha256 == found.sha256
    assert [entry.source_values() for entry in again.labels] == [entry.source_values() for entry in found.labels]


IMAGE = 'path = "images/{case}.nii.gz"\nmodality = "CT"'
LABELS = 'values = { 1 = "liver", 2 = "spleen" }'
END = LABELS + "\n"
ORIGIN = '[[derived_from]]\ndataset = "lits"\nrelation = "all_images"\nevidence = "paper"\n'
LIST = '[[splits.lists]]\nsplit = "val"\n'


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (IMAGE, IMAGE + '\naxes = "ijj"', "axes `ijj` must be i, j and k in some order, each with or without -"),
        (IMAGE, IMAGE + '\naxes = "ij"', "axes `ij` must be i, j and k in some order"),
        (IMAGE, IMAGE + "\nspacing_mm = [1, 1, 1]\nspacing_unknown = true", "give `spacing_mm`, or `spacing_unknown`"),
        (IMAGE, IMAGE + "\nspacing_mm = [1, 1, 0]", "spacing_mm must be three positive numbers"),
        (IMAGE, IMAGE + "\nspacing_mm = [1, 1]", "missing key `images.0.spacing_mm.2`"),
        (IMAGE, IMAGE + '\norientation = "LPS"', "`orientation` goes with `spacing_mm`"),
        (IMAGE, IMAGE + '\nspacing_mm = [1, 1, 1]\norientation = "LRS"', "orientation `LRS` must be three axis codes"),
        (IMAGE, IMAGE + "\nvolume_index = -1", "`images.0.volume_index`: Input should be greater than or equal to 0"),
        (
            IMAGE,
            IMAGE + '\nseries = { uid = "1" }',
            "`series` goes with a path that ends in /, a folder of DICOM files",
        ),
        (IMAGE, 'path = "{case}/"\nmodality = "CT"\narray = "x"', "`array` and `volume_index` go with single files"),
        (IMAGE, IMAGE + "\nscale = 0", "`images.0.scale`: Input should be greater than 0"),
        (IMAGE, IMAGE + '\nunit = "hu"', "`images.0.unit`: Input should be 'HU', 'SUV'"),
        (IMAGE, IMAGE + '\nroot = "a/b"', "`images.0.root`: String should match pattern"),
        (IMAGE, IMAGE + '\nrater = "a"', "unknown key `images.0.rater`"),
        (END, END + 'ignore_names = ["a"]', "`ignore_names` goes with `names`, `segments` or `rois`"),
        (END, END + 'slice_order = "image_files"', "`slice_order` goes with a path that ends in /"),
        (LABELS, "composites = { kidney = [1, 2] }", "found none (`composites` go with `values`, which may be {})"),
        (
            IMAGE,
            f"{IMAGE}\n[[images]]\n{IMAGE}",
            "images `images/{case}.nii.gz` stand twice with the channel `None`; give",
        ),
        (LABELS, LABELS + "\nmerge = true", "`merge` goes with `names`"),
        (LABELS, LABELS + "\nthreshold = 0.5", "`threshold` and `inverted` go with `target` or `names`"),
        (LABELS, LABELS + "\ninverted = true", "`threshold` and `inverted` go with `target` or `names`"),
        (LABELS, 'target = "liver"\nthreshold = nan', "`labels.0.threshold`: Input should be a finite number"),
        (LABELS, 'rois = { "(" = "liver" }', "`(` is no regular expression"),
        (
            LABELS,
            'rois = { "a" = "liver" }\nfill = true',
            "`fill` goes with label maps and pictures, not with `segments`",
        ),
        (LABELS, 'segments = { "a" = "liver" }\naxes = "kji"', "`axes` goes with label maps and pictures"),
        (LABELS, 'rois = { "a" = "liver" }\non_grid_mismatch = "mask"', "`on_grid_mismatch` goes with label maps"),
        (LABELS, LABELS + '\non_grid_mismatch = "resampled"', "`labels.0.on_grid_mismatch`: Input should be 'reject'"),
        (LABELS, LABELS + '\nlabelled = "some"', "`labels.0.labelled`: Input should be 'all' or 'present'"),
        (LABELS, LABELS + '\nrater = "a b"', "`labels.0.rater`: String should match pattern"),
        ('labels/{case}.nii.gz"', 'labels/{case}_{rater}.nii.gz"\nrater = "a"', "give `rater`, or {rater} in the path"),
        (END, END + '[[exclude]]\nreason = "x"', "give one of `case`, a key, `cases`, a regular expression of keys"),
        (END, END + '[[exclude]]\ncase = "a"\ncases = "b"\nreason = "x"', "give one of `case`, a key, `cases`"),
        (END, END + '[[exclude]]\nfile = "{case}.png"\nreason = "x"', "`{case}.png` may have * in it, but no fields"),
        (END, END + '[[exclude]]\ncases = "["\nreason = "x"', "`[` is no regular expression"),
        (END, END + '[[exclude]]\ncase = "a"', "missing key `exclude.0.reason`"),
        (
            END,
            END + '[[labelled]]\ncases = "a"\ntargets = ["lung"]',
            "`labelled` names `lung`, which no label entry has",
        ),
        (END, END + '[[labelled]]\ncases = "("\ntargets = ["liver"]', "`(` is no regular expression"),
        (END, END + ORIGIN + 'case = "a"', "`case` and `origin_case` go together"),
        (END, END + ORIGIN + "case = 'a(b)'\norigin_case = '\\2'", "`a(b)` -> `\\2` cannot work: invalid group"),
        (END, END + ORIGIN.replace("all_images", "all"), "`derived_from.0.relation`: Input should be 'all_images'"),
        (
            END,
            END + LIST + 'file = "a.txt"\ncase = "a"',
            "`case` needs a group in parentheses that captures the case key",
        ),
        (
            END,
            END + LIST + 'file = "../a.txt"',
            "`../a.txt` must be relative to the source root, with / and without ..",
        ),
        (END, END + LIST + 'file = "a.txt"\nkey = "val"', "`key` goes with a JSON file"),
        (END, END + '[splits.cases]\ndev = ["a"]', "`splits.cases.dev"),
        (END, END + '[splits.names]\ndev = "dev"', "`splits.names.dev`: Input should be 'train', 'val' or 'test'"),
    ],
)
def test_a_slip_is_one_line_that_names_it(tree, old, new, message):
    """Keys that cannot be meant together, or not so, are refused in one line with file and key."""
    path = tree.write_recipe()
    text = path.read_text(encoding="utf-8") + "\n"
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ConfigError, match=re.escape(message)) as caught:
        recipe.load(str(path))
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("keys", "state"),
    [
        ({"licence": "CC-BY-4.0"}, "stated"),
        ({"licence": "unclear"}, "unclear"),
        ({"licence": "CC-BY-4.0", "licence_conflict": "the page says CC-BY-NC-4.0"}, "conflict"),
        ({"licence": "unclear", "licence_conflict": "the page says CC-BY-4.0"}, "conflict"),
    ],
)
def test_the_state_of_a_licence(tree, keys, state):
    """A conflict outweighs what is stated; `unclear` is a word that recipes use."""
    facts = tree.recipe().dataset.model_dump() | keys
    assert DatasetFacts.model_validate(facts).licence_state == state


def test_the_origin_of_a_case():
    """The list goes before the expression, which must fit the whole key; what neither knows has no origin."""
    origin = Origin(
        dataset="lits",
        relation="some_images",
        evidence="paper",
        case=r"liver_(\d+)|other",
        origin_case=r"volume-\1",
        cases={"liver_28": "ircad-1"},
    )
    wanted = {"liver_5": "lits/volume-5", "liver_28": "lits/ircad-1", "liver_5b": None, "x_liver_5": None}
    assert {key: origin.of(key) for key in wanted} == wanted
    assert Origin(dataset="lits", relation="all_images", evidence="paper").of("liver_5") is None


def test_the_first_origin_that_knows_a_case_holds(tree):
    """Of several datasets that a case may be from, the recipe's order decides."""
    origins = ORIGIN + "cases = { a = '1' }\n" + ORIGIN.replace("lits", "msd-liver")
    found = tree.recipe(tree.ENTRIES + origins + "case = '(.*)'\norigin_case = 'x\\1'\n")
    assert [found.origin(key) for key in ("a", "b")] == ["lits/1", "msd-liver/xb"]


@pytest.mark.parametrize(
    ("exclusion", "key", "path", "holds"),
    [
        ({"case": "a.b"}, "a.b", "x", True),
        ({"case": "a.b"}, "axb", "x", False),
        ({"cases": "a.b"}, "axb", "x", True),
        ({"cases": "a.b"}, "axbc", "x", False),
        ({"file": "masks/*.png"}, "a", "masks/p1.png", True),
        ({"file": "masks/*.png"}, "a", "masks/deep/p1.png", False),
        ({"file": "masks/p1.png"}, "a", "masks/p1xpng", False),
        ({"file": "other:masks/p1.png"}, "a", "other:masks/p1.png", True),
    ],
)
def test_what_an_exclusion_holds(exclusion, key, path, holds):
    """Keys are compared whole, expressions fit the whole key, and * stays within one folder."""
    assert Exclusion(reason="x", **exclusion).holds(key, path) == holds


def test_targets_that_were_looked_for_need_no_case(tree):
    """`[[labelled]]` may list no target at all: nothing was looked for in these cases."""
    assert LabelledCases(cases="a", targets=()).targets == ()
    entries = tree.ENTRIES + '[[labelled]]\ncases = "a"\ntargets = []\n'
    assert tree.recipe(entries).labelled[0].targets == ()
