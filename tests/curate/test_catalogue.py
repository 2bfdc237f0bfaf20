import dataclasses
import time

import pytest

from curate import catalogue, recipe
from curate.catalogue import Choice
from curate.errors import UnknownNameError
from curate.plugins import shipped_names
from curate.vocabulary import Vocabulary

RECIPE = """
schema = 1
[dataset]
id = "{name}"
title = "Organs of Somewhere"
licence = "{licence}"
licence_evidence = "a test"
citation = "Doe 2026"
source = "a test"
annotation = "phantom"
region = "abdomen"
{facts}
[[images]]
path = "{path}"
modality = "{modality}"
[[labels]]
path = "labels/{{case}}.nii.gz"
values = {{ 1 = "{target}" }}
"""


@pytest.fixture
def listed(tmp_path, monkeypatch):
    """Return a function that lists recipes which it first writes: name -> what differs from a liver CT."""
    monkeypatch.setattr(catalogue, "shipped_folder", lambda _: tmp_path)
    monkeypatch.setattr(catalogue, "shipped_names", lambda _: sorted(path.stem for path in tmp_path.glob("*.toml")))

    def write(**recipes):
        defaults = {"licence": "CC-BY-4.0", "facts": "", "path": "i/{case}.nii.gz", "modality": "CT", "target": "liver"}
        for name, facts in recipes.items():
            text = RECIPE.format(name=name, **(defaults | facts))
            (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
        return catalogue.load()

    return write


def chosen(entries, **conditions):
    """Return the names of the recipes that meet the conditions."""
    return [entry.recipe for entry in catalogue.choose(entries, Choice(**conditions))]


def test_every_shipped_recipe_is_listed_as_a_full_reading_has_it():
    """What the list shows is what loading the whole recipe gives, for each recipe that ships."""
    entries, broken = catalogue.load()
    assert broken == []
    assert [entry.recipe for entry in entries] == shipped_names("recipes")
    for entry in entries:
        full = recipe.load(entry.recipe)
        assert list(entry.targets) == full.targets()
        assert entry.modalities == tuple(sorted({image.modality for image in full.images}))
        assert (entry.licence, entry.verified) == (full.dataset.licence, not full.dataset.unverified)
        assert (entry.cases, entry.title) == (full.expect.cases, full.dataset.title)
        assert entry.derived_from == full.derived_from


def test_the_catalogue_answers_at_once():
    """All recipes that ship are read and chosen from in less than two seconds of computing."""
    before = time.process_time()
    entries, _ = catalogue.load()
    chosen(entries, target="kidney", licence="commercial", search="CT")
    assert time.process_time() - before < 2


def test_a_broken_recipe_is_a_line_and_hides_no_other(listed):
    """The others are listed, and the line names file and key."""
    entries, broken = listed(one={}, two={"modality": "CT", "facts": 'licnce = "x"'})
    assert [entry.recipe for entry in entries] == ["one"]
    assert len(broken) == 1
    assert "two.toml: unknown key `dataset.licnce`; did you mean `licence`" in broken[0]


def test_a_replica_is_not_looked_at(listed, tmp_path):
    """A mistake in the replica is found by `curate check`, and does not take a recipe off the list."""
    listed(one={})
    path = tmp_path / "one.toml"
    path.write_text(path.read_text() + "[replica]\nnonsense = 1\n")
    assert [entry.recipe for entry in catalogue.load()[0]] == ["one"]


def test_filters_choose_what_they_say(listed):
    """Each filter alone finds its recipes, and together they find what meets all of them."""
    entries, _ = listed(
        ct={"target": "kidney_left"},
        mr={"modality": "MR", "licence": "CC-BY-NC-4.0", "target": "kidney"},
        eye={"modality": "fundus", "path": "i/{case}.png", "facts": 'unverified = ["the licence"]'},
        odd={"licence": "unclear", "target": "prostate"},
        torn={"facts": 'licence_conflict = "another page says CC-BY-NC-4.0"', "target": "spleen"},
    )
    assert chosen(entries) == ["ct", "eye", "mr", "odd", "torn"]
    assert chosen(entries, modality="MR") == ["mr"]
    assert chosen(entries, target="kidney") == ["ct", "mr"]
    assert chosen(entries, target="kidney_left") == ["ct"]
    assert chosen(entries, target="abdomen", modality="MR") == ["mr"]
    assert chosen(entries, licence="commercial") == ["ct", "eye"]
    assert chosen(entries, licence="non-commercial") == ["mr"]
    assert chosen(entries, licence="unclear") == ["odd", "torn"]
    assert chosen(entries, licence="cc-by-4.0") == ["ct", "eye", "torn"]
    assert chosen(entries, dimension="2D") == ["eye"]
    assert chosen(entries, dimension="3D") == ["ct", "mr", "odd", "torn"]
    assert chosen(entries, verified=True) == ["ct", "mr", "odd", "torn"]
    assert chosen(entries, search="SOMEWHERE kidney") == ["ct", "mr"]
    assert chosen(entries, search="doe left") == ["ct"]
    assert chosen(entries, target="kidney", licence="commercial", verified=True) == ["ct"]
    assert chosen(entries, region="head") == []


@pytest.mark.parametrize(
    ("modality", "path", "dimension"),
    [
        ("CT", "{case}/CT/", "3D"),
        ("MR", "{case}.nii.gz", "3D"),
        ("CT", "{case}.png", "2D"),
        ("XR", "{case}.nii.gz", "2D"),
        ("US", "{case}.PNG", "2D"),
        ("US", "{case}.nii.gz", None),
        ("microscopy", "{case}.tif", None),
    ],
)
def test_dimension_is_told_by_modality_and_file_name(listed, modality, path, dimension):
    """CT and MR are volumes, photographs and pictures are flat, and what may be either is not told."""
    ((entry,), _) = listed(one={"modality": modality, "path": path})
    assert entry.dimension == dimension


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({"modality": "MRI"}, "unknown modality `MRI`; did you mean `MR`?"),
        ({"region": "belly"}, "unknown region `belly`"),
        ({"target": "lver"}, "unknown target `lver`; did you mean `liver`?"),
        ({"licence": "comercial"}, "unknown licence `comercial`; did you mean `commercial`?; give commercial, "),
        ({"licence": "cc-by-40"}, "unknown licence `cc-by-40`; did you mean `CC-BY-4.0`?"),
    ],
)
def test_a_misspelt_word_names_the_nearest(listed, conditions, message):
    """A filter that nothing could meet is wrong usage, and not an empty list."""
    entries, _ = listed(one={})
    with pytest.raises(UnknownNameError) as caught:
        chosen(entries, **conditions)
    assert str(caught.value).startswith(message)


def test_narrower_questions_find_less():
    """Over all shipped recipes, a part finds no more than the whole, and two filters no more than one."""
    entries, _ = catalogue.load()
    vocabulary = Vocabulary.load()
    for target in ("kidney_left", "liver_tumor", "heart_atrium_left"):
        part = set(chosen(entries, target=target))
        for whole in vocabulary.ancestors(target):
            assert part <= set(chosen(entries, target=whole))
    uses = [set(chosen(entries, licence=use)) for use in ("commercial", "non-commercial", "unclear")]
    assert sum(map(len, uses)) == len(set.union(*uses)) == len(entries)


def test_json_holds_every_fact(listed, tmp_path):
    """Each field of an entry stands in its JSON, origins by name and kind."""
    listed(one={})
    origin = '[[derived_from]]\ndataset = "lits"\nrelation = "all_images"\nevidence = "a test"\ncases = { a = "b" }\n'
    path = tmp_path / "one.toml"
    path.write_text(path.read_text() + origin)
    ((entry,), _) = catalogue.load()
    told = catalogue.as_json(entry)
    assert set(told) == {field.name for field in dataclasses.fields(entry)}
    assert told["derived_from"] == [{"dataset": "lits", "relation": "all_images"}]


def test_a_pair_has_its_sides_whatever_they_are_parts_of():
    """`hippocampus_left` is a part of the left temporal lobe, and still who asks for hippocampi wants it."""
    vocabulary = Vocabulary.load()
    assert "hippocampus" not in vocabulary.ancestors("hippocampus_left")
    assert vocabulary.is_part("hippocampus_left", "hippocampus")
    assert vocabulary.is_part("hippocampus_anterior_left", "hippocampus")
    assert vocabulary.is_part("hippocampus_left", "temporal_lobe")
    assert not vocabulary.is_part("hippocampus", "hippocampus_left")
    assert not vocabulary.is_part("kidney_left", "hippocampus")
