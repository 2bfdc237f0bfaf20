import json
import re

import pytest

from curate import profile, recipe
from curate.errors import ConfigError, UnknownNameError
from curate.plugins import shipped_names
from curate.recipe import Recipe, Values, as_json, compile_path

LABELS = 'values = { 1 = "liver", 2 = "spleen" }'


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("title =", "titel =", "unknown key `dataset.titel`; did you mean `title`?"),
        ("[dataset]", "[datset]", "unknown key `datset`; did you mean `dataset`?"),
        ('modality = "CT"', 'modalty = "CT"', "unknown key `images.0.modalty`; did you mean `modality`?"),
        (LABELS, 'vaules = { 1 = "liver" }', "unknown key `labels.0.vaules`; did you mean `values`?"),
        (LABELS, LABELS + "\n[splits]\ntrian = 1", "unknown key `splits.trian`; did you mean `train`?"),
        (LABELS, LABELS + "\n[expect]\nmask = 1", "unknown key `expect.mask`; did you mean `masks`?"),
        (LABELS, LABELS + '\n[[exclude]]\ncase_id = "a"', "unknown key `exclude.0.case_id`; did you mean `case`?"),
        ("schema = 1", "schema = 2", "`schema`: Input should be 1, found 2"),
        ("schema = 1", "", "missing key `schema`"),
        ('licence = "CC0-1.0"', "", "missing key `dataset.licence`"),
        ('id = "tiny"', 'id = "tony"', "`dataset.id` is `tony`; rename the file or set it to `tiny`"),
        ('id = "tiny"', 'id = "../tiny"', "`dataset.id`: String should match pattern"),
        (LABELS, LABELS + '\ntarget = "liver"', "names, target, instances, segments, rois; found values, target"),
        (LABELS, "", "give exactly one of values, names, target, instances, segments, rois; found none"),
        (LABELS, 'names = { a = "liver" }', "`names` goes with a path that has {label}, and only with it"),
        (LABELS, 'target = "liver"\nignore_values = [3]', "`composites` and `ignore_values` go with `values`"),
        (LABELS, 'values = { 1 = "livr" }', "unknown target `livr`; did you mean `liver`"),
        (LABELS, 'values = { 0 = "liver" }', "value 0 is background and cannot be a target"),
        (
            LABELS,
            'values = { one = "liver" }',
            "`one` is no label value; write an integer, a range such as 1..24, or #rrggbb",
        ),
        (LABELS, LABELS + "\ncomposites = { kidney = [0, 1] }", "composite `kidney` needs values, and 0 is background"),
        (LABELS, LABELS + "\ncomposites = { kidney = [] }", "composite `kidney` needs values"),
        (LABELS, LABELS + "\nignore_values = [2]", "value 2 stands in `ignore_values` and names a target"),
        (LABELS, LABELS + '\nimages = ["T1"]', "name the channel `T1`; channels are: None"),
        ('modality = "CT"', 'modality = "MRI"', "unknown modality `MRI`"),
        ('modality = "CT"', 'modality = "CT"\nsequence = "FLAIR"', "unknown CT sequence `FLAIR`"),
        ('region = "abdomen"', 'region = "abdmen"', "unknown region `abdmen`; did you mean `abdomen`"),
        ("images/{case}", "/data/{case}", "path `/data/{case}.nii.gz` must be relative to the source root"),
        ("images/{case}", "../{case}", "must be relative to the source root, with / and without .."),
        ("images/{case}", "images/x", "path `images/x.nii.gz` needs {case} in it, or a `case` beside it"),
        ("images/{case}", "{cas}/{case}", "unknown field {cas}; fields are: case, group, patient, split, label"),
        ("images/{case}", "images/{case:[}", "is no regular expression"),
        ("images/{case}", "{split }/{case}", "brace that belongs to no field"),
        ('modality = "CT"', 'modality = "CT"\ncase = "a"', "needs {case} in it, or a `case` beside it, and not both"),
        ("schema = 1", 'schema = 1\npatient = "("', "`(` is no regular expression"),
        ("schema = 1", 'schema = 1\npatient = "a+"', "needs a group in parentheses that captures the patient key"),
        (
            LABELS,
            LABELS + "\n[expect]\nrejections = { no_imag = 1 }",
            "`no_imag` is not a rejection code; did you mean",
        ),
        (LABELS, LABELS + "\n[splits]\ntrain = 0.5", "train, val and test must be shares that add up to 1"),
        (LABELS, LABELS + "\n[splits]\ntrain = 1.2\nval = -0.2\ntest = 0.0", "shares that add up to 1"),
        (LABELS, LABELS + "\n[splits]\ntrain = nan", "train, val and test must be shares that add up to 1"),
        (LABELS, LABELS + '\n[splits.names]\ndev = "dev"', "`splits.names.dev`: Input should be 'train', 'val'"),
        ("[[labels]]", "[labels]", "`labels`: Input should be a valid tuple"),
        ("[[labels]]", "[[labels]", "not valid TOML: "),
    ],
)
def test_a_wrong_recipe_is_refused_in_one_line(tree, old, new, message):
    """Every slip names the file, the key and what was meant, in one line."""
    path = tree.write_recipe()
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigError, match=re.escape(message)) as caught:
        recipe.load(str(path))
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_text_that_is_not_utf8_is_refused(tree):
    """A recipe saved as Latin-1 is told from TOML that does not parse."""
    path = tree.write_recipe()
    path.write_bytes(path.read_bytes().replace(b"Tiny volumes", b"T\xfcny"))
    with pytest.raises(ConfigError, match="not UTF-8 text; is this a TOML file"):
        recipe.load(str(path))


def test_unknown_names_lead_to_the_nearest(tree):
    """A misspelt name of a shipped recipe leads to it; a path that is not there is called a path."""
    with pytest.raises(UnknownNameError, match=r"no recipes named `phantom-nnunt`; did you mean `phantom-nnunet`\?"):
        recipe.load("phantom-nnunt")
    with pytest.raises(UnknownNameError, match=r"nowhere\.toml: no such file"):
        recipe.load(str(tree.folder / "nowhere.toml"))


def test_every_value_of_a_recipe_survives_json(tree):
    """TOML to model to JSON to model is the identity, also for composites, fields and integer keys."""
    entries = """
        patient = "^(p\\\\d+)"
        [[images]]
        path = "{split}/{case:[a-z0-9]{3,9}}/*_t1.nii.gz"
        channel = "T1"
        modality = "MR"
        sequence = "T1"
        [[labels]]
        path = "{split}/{case}/seg.nii.gz"
        images = ["T1"]
        values = { 1 = "liver", 1000 = "spleen", -3 = "kidney" }
        composites = { kidney_tumor = [1, 7] }
        ignore_values = [5]
        rater = "a"
        [[labels]]
        path = "{split}/{case}/{label}.nii.gz"
        names = { L = "liver" }
        merge = true
        [[exclude]]
        case = "p9"
        reason = "twice"
        [splits.names]
        validation = "val"
        [expect]
        cases = 3
        rejections = { no_label = 2 }
    """
    entries = "\n".join(line.strip() for line in entries.splitlines())
    path = tree.write_recipe(entries)
    top, _, rest = path.read_text(encoding="utf-8").partition("[dataset]")
    patient = 'patient = "^(p\\\\d+)"'
    path.write_text(f"{top}{patient}\n[dataset]{rest.replace(patient, '')}", encoding="utf-8")
    found = recipe.load(str(path))
    again = Recipe.model_validate(json.loads(json.dumps(as_json(found))))
    assert again == found
    assert again.sha256 == found.sha256
    assert again.labels[0].source_values() == {
        "liver": (Values(1, 1),),
        "spleen": (Values(1000, 1000),),
        "kidney": (Values(-3, -3),),
        "kidney_tumor": (Values(1, 1), Values(7, 7)),
    }


def test_the_hash_is_blind_to_comments_and_layout(tree):
    """Comments and blank lines keep the hash of a recipe; a changed value does not."""
    first = tree.recipe().sha256
    path = tree.write_recipe()
    path.write_text("# note\n\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    assert recipe.load(str(path)).sha256 == first
    path.write_text(path.read_text(encoding="utf-8").replace("2 =", "3 ="), encoding="utf-8")
    assert recipe.load(str(path)).sha256 != first


@pytest.mark.parametrize(
    ("path", "name", "fields"),
    [
        ("a/{case}.nii.gz", "a/x.y z.nii.gz", {"case": "x.y z"}),
        ("a/{case}.nii.gz", "a/b/x.nii.gz", None),
        ("a/{case}.nii.gz", "a/xXnii.gz", None),
        (r"{case:\d{3}}.png", "012.png", {"case": "012"}),
        (r"{case:\d{3}}.png", "0123.png", None),
        ("{case}/{case}.png", "p1/p1.png", {"case": "p1"}),
        ("{case}/{case}.png", "p1/p2.png", None),
        ("*/{case}.png", "deep/p1.png", {"case": "p1"}),
        ("*/{case}.png", "too/deep/p1.png", None),
        ("{split}/{patient}/{case}_{label}.png", "tr/p/c_l.png", {"split": "tr", "patient": "p", "case": "c"}),
    ],
)
def test_a_path_matches_whole_names_only(path, name, fields):
    """Fields stay within one folder, dots are dots, and a field that stands twice is one text."""
    found = compile_path(path).fullmatch(name)
    assert (found is not None) == (fields is not None)
    assert found is None or fields.items() <= found.groupdict().items()


@pytest.mark.parametrize("name", shipped_names("recipes"))
def test_every_shipped_recipe_loads(name):
    """A shipped recipe is valid, names itself, and has targets."""
    found = recipe.load(name)
    assert found.dataset.id == name
    assert found.targets()


@pytest.mark.parametrize("name", shipped_names("profiles"))
def test_every_shipped_profile_loads(name):
    """A shipped profile is valid and names itself."""
    assert profile.load(name).name == name


def test_a_rule_lists_its_own_keys(tmp_path):
    """A key that one rule has and another has not is refused with the keys of the rule at hand."""
    path = tmp_path / "mine.toml"
    path.write_text(
        'schema = 1\nname = "mine"\ndescription = "d"\nsource = "s"\n[[rules]]\nrule = "split_sides"\nthreshold = 3\n',
        encoding="utf-8",
    )
    with pytest.raises(ConfigError, match=r"unknown key `rules\.0\.split_sides\.threshold`; valid keys: rule$"):
        profile.load(str(path))
