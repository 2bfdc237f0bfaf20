"""Suites: strict words, first group wins, and a plan that says what is missing."""

import pytest

from bench import protocols, suite
from bench.suite import missing_datasets, plan
from curate.errors import ConfigError, StoreError, UnknownNameError, UsageError

HEAD = """
schema = 1
name = "mine"
version = 1
description = "d"
source = "s"
[protocol]
name = "random-error"
version = 1
"""
ALL = '[[groups]]\nname = "all"\n'
VARIANT = '[[variants]]\nname = "box"\ndescription = "boxes"\nsource = "a script"\nlacks = "no boxes"\n'


@pytest.fixture
def write(tmp_path):
    """Write a suite and return its path as a string."""

    def to_file(content):
        path = tmp_path / "mine.toml"
        path.write_text(content, encoding="utf-8")
        return str(path)

    return to_file


@pytest.fixture
def group_of(write, store):
    """Return a function from groups in TOML to mask_id -> group."""

    def planned(groups):
        units = plan(suite.load(write(HEAD + groups)), store)
        return {mask["mask_id"]: mask["suite_group"] for unit in units for mask in unit.masks}

    return planned


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (HEAD.replace("schema = 1", "schema = 2") + ALL, "`schema`: Input should be 1"),
        (HEAD.replace("description", "descripton") + ALL, "unknown key `descripton`; did you mean `description`"),
        (HEAD + ALL + 'target = ["liver"]', "unknown key `groups.0.target`; did you mean `targets`"),
        (HEAD + ALL + 'targets = ["livr"]', "unknown target `livr`; did you mean `liver`"),
        (HEAD + ALL + 'targets = ["livr*"]', r"group `all`: unknown target `livr\*`"),
        (HEAD + ALL + 'modalities = ["ct"]', "unknown modality `ct`; did you mean `CT`"),
        (HEAD + ALL + 'kinds = ["lesions"]', "group `all`: unknown kind `lesions`; did you mean `lesion`"),
        (HEAD + ALL + 'splits = ["validation"]', "unknown split `validation`.*known: train, val, test"),
        (HEAD + ALL + "datasets = []", "`groups.0.datasets`: Tuple should have at least 1 item"),
        (HEAD + ALL + 'stated = "maybe"', "'seen' or 'unseen'"),
        (HEAD + ALL + ALL, "group `all` is given twice"),
        (HEAD + ALL + 'datasets = ["amos22:vall"]', "group `all`: unknown split `vall`; did you mean `val`"),
        (HEAD + ALL + VARIANT + VARIANT, "variant `box` is given twice"),
        (HEAD + ALL + VARIANT.replace("lacks", "lack"), "unknown key `variants.0.lack`; did you mean `lacks`"),
        (
            HEAD + ALL + VARIANT.replace('lacks = "no boxes"', ""),
            "give a `protocol`, or say in `lacks` what is missing",
        ),
        (HEAD + ALL + VARIANT.replace('"box"', '"Box 1"'), "`variants.0.name`: String should match pattern"),
        (
            HEAD + ALL + VARIANT + 'protocol = { name = "random-eror", version = 1 }',
            "unknown protocol `random-eror`; did you mean `random-error`",
        ),
        (
            HEAD + ALL + '[stated]\nsource = "s"\nseen_modalities = ["CT"]\nunseen_modalities = ["CT"]',
            "`CT` is stated to be both seen and unseen",
        ),
        (HEAD + ALL + '[stated]\nsource = "s"\nunseen_modalities = ["us"]', "unknown modality `us`; did you mean `US`"),
        (HEAD, "missing key `groups`"),
        (
            HEAD.replace("random-error", "random-eror") + ALL,
            "unknown protocol `random-eror`; did you mean `random-error`",
        ),
        (HEAD.replace('error"\nversion = 1', 'error"\nversion = 9') + ALL, "has version 1 here, the suite asks for 9"),
        (HEAD + "parameters = { score_after = 3 }\n" + ALL, "score_after must be ascending steps from 1, found 3"),
        (HEAD + "parameters = { clicks = 3 }\n" + ALL, "takes `score_after`, found `clicks`"),
        (
            HEAD + "[metrics]\nnsd_tolerance_mm = 0\n" + ALL,
            "`metrics.nsd_tolerance_mm`: Input should be greater than 0",
        ),
        (
            HEAD + "[metrics]\nnsd_tolerance_mm = inf\n" + ALL,
            "`metrics.nsd_tolerance_mm`: Input should be a finite number",
        ),
        (HEAD + "[metrics]\nnsd_tolerance_mm = nan\n" + ALL, "`metrics.nsd_tolerance_mm`"),
    ],
)
def test_broken_suites_are_refused_in_one_line(write, content, message):
    """A suite that cannot be meant names its file, what was found and the nearest valid word."""
    with pytest.raises(ConfigError, match=message) as caught:
        suite.load(write(content))
    assert str(caught.value).startswith(write(content))
    assert "\n" not in str(caught.value)


def test_unknown_suites_are_refused_with_a_hint():
    """A misspelt name of a shipped suite names its neighbour."""
    with pytest.raises(UnknownNameError, match="did you mean `phantom`"):
        suite.load("fantom")


def test_the_first_group_that_takes_a_mask_gets_it(group_of):
    """Groups are tried in their order; later ones see what is left."""
    found = group_of(
        '[[groups]]\nname = "kidneys"\ntargets = ["kidney*"]\n'
        '[[groups]]\nname = "CT"\nmodalities = ["CT"]\n[[groups]]\nname = "rest"\n'
    )
    assert found == {
        "hard/flipped#liver": "CT",
        "hard/flipped#spleen": "CT",
        "hard/oblique#heart": "rest",
        "hard/oblique#liver": "rest",
        "hard/permuted#kidney": "kidneys",
        "hard/permuted#kidney_tumor": "kidneys",
        "hard/permuted#liver": "CT",
        "pictures/photo#lung": "rest",
    }


@pytest.mark.parametrize(
    ("conditions", "masks"),
    [
        ('kinds = ["lesion"]', {"hard/permuted#kidney_tumor"}),
        ('datasets = ["pict*"]', {"pictures/photo#lung"}),
        ('splits = ["train"]', {"hard/oblique#heart", "hard/oblique#liver"}),
        ('modalities = ["MR", "XR"]\ntargets = ["l*"]', {"hard/oblique#liver", "pictures/photo#lung"}),
    ],
)
def test_masks_of_no_group_are_not_evaluated(group_of, conditions, masks):
    """All conditions of a group must hold, each by any of its patterns; the other masks are left out."""
    assert group_of(f'[[groups]]\nname = "some"\n{conditions}\n').keys() == masks


def test_a_pair_takes_its_sides_and_a_side_takes_nothing_else():
    """`kidney` names what is a left or a right kidney too; the left atrium is no side of a pair."""
    assert suite.target_names("kidney_left") == ("kidney_left", "kidney")
    assert suite.target_names("kidney") == ("kidney",)
    assert suite.target_names("heart_atrium_left") == ("heart_atrium_left",)
    assert suite.target_names("a word of an older vocabulary") == ("a word of an older vocabulary",)


@pytest.mark.parametrize(
    ("datasets", "images"),
    [
        ('["hard:train"]', {"hard/oblique"}),
        ('["hard:test"]', {"hard/flipped", "hard/permuted"}),
        ('["hard:train", "pictures"]', {"hard/oblique", "pictures/photo"}),
        ('["*:t*"]', {"hard/oblique", "hard/flipped", "hard/permuted", "pictures/photo"}),
    ],
)
def test_a_dataset_may_be_narrowed_to_a_split(group_of, datasets, images):
    """`hard:train` is the training split of one dataset, whatever the other datasets of the group give."""
    found = group_of(f'[[groups]]\nname = "some"\ndatasets = {datasets}\n')
    assert {mask_id.partition("#")[0] for mask_id in found} == images


def test_the_plan_is_sorted_and_tells_official_splits(store, everything):
    """Images and masks come in the order of their ids; only a split of the source itself is told."""
    units = plan(everything, store)
    assert [unit.image["image_id"] for unit in units] == [
        "hard/flipped",
        "hard/oblique",
        "hard/permuted",
        "pictures/photo",
    ]
    assert [unit.split for unit in units] == [None, "train", None, None]
    assert [mask["target"] for mask in units[2].masks] == ["kidney", "kidney_tumor", "liver"]


@pytest.mark.parametrize(("limit", "images"), [(1, 1), (3, 3), (4, 4), (99, 4), (None, 4)])
def test_limit_takes_the_first_images(store, everything, limit, images):
    """At most so many images are planned, the same ones always."""
    assert plan(everything, store, limit) == plan(everything, store)[:images]


@pytest.mark.parametrize("limit", [0, -1])
def test_limits_below_one_are_refused(store, everything, limit):
    """A limit of nothing cannot be meant."""
    with pytest.raises(UsageError, match=f"--limit {limit}: give 1 or more"):
        plan(everything, store, limit)


def test_a_store_without_masks_of_the_suite_is_refused(write, store):
    """A run of nothing is an error that says where to look."""
    mine = suite.load(write(HEAD + '[[groups]]\nname = "none"\ntargets = ["aorta"]\n'))
    with pytest.raises(UsageError, match=r"no mask of .* belongs to suite `mine`; see `bench suite"):
        plan(mine, store)


def test_a_folder_without_a_store_is_refused(everything, tmp_path):
    """A place that is no store is named."""
    with pytest.raises(StoreError, match="no finished store here"):
        plan(everything, tmp_path)


def test_missing_datasets_are_named(write):
    """Datasets that a suite names outright and a store lacks are told; patterns promise nothing."""
    mine = suite.load(write(HEAD + '[[groups]]\nname = "a"\ndatasets = ["amos22", "hard", "word*"]\n'))
    assert missing_datasets(mine, ["hard", "pictures"]) == ["amos22"]
    assert missing_datasets(mine, ["hard", "amos22"]) == []


def test_a_split_of_a_dataset_needs_the_dataset(write):
    """`amos22:val` is missing when amos22 is."""
    mine = suite.load(write(HEAD + '[[groups]]\nname = "a"\ndatasets = ["amos22:val"]\n'))
    assert missing_datasets(mine, ["hard"]) == ["amos22"]
    assert missing_datasets(mine, ["amos22"]) == []


def test_a_variant_is_the_suite_with_another_protocol(write):
    """Name, protocol and description are the variant's; groups and metrics are the suite's; the hash differs."""
    other = 'protocol = { name = "random-error", version = 1, parameters = { score_after = [2] } }\n'
    path = write(HEAD + "[metrics]\nnsd_tolerance_mm = 3.0\n" + ALL + VARIANT + other)
    whole, variant = suite.load(path), suite.load(f"{path}@box")
    assert (variant.name, variant.description, variant.source) == ("mine@box", "boxes", "a script")
    assert variant.protocol.parameters == {"score_after": [2]}
    assert (variant.groups, variant.metrics, variant.variants) == (whole.groups, whole.metrics, ())
    assert variant.sha256 != whole.sha256


def test_a_variant_without_a_protocol_says_what_is_missing(write):
    """What cannot be run is refused with the suite's own words, and an unknown variant with its neighbour."""
    path = write(HEAD + ALL + VARIANT)
    with pytest.raises(UsageError, match="`mine@box` cannot be run here: no boxes"):
        suite.load(f"{path}@box")
    with pytest.raises(
        UnknownNameError, match=r"has no variant `bo`, and no protocol is called so; did you mean `box`\?$"
    ):
        suite.load(f"{path}@bo")
    with pytest.raises(
        UnknownNameError, match="no protocol is called so; variants: box; protocols: bench list protocols"
    ):
        suite.load(f"{path}@nothing-like-it")


@pytest.mark.parametrize("name", sorted(protocols.REGISTRY.builtin))
def test_any_protocol_can_be_named_behind_a_suite(name):
    """`all@box` has the masks, metrics and seeds of `all`, the protocol as it is by default, and a hash of its own."""
    whole, prompted = suite.load("all"), suite.load(f"all@{name}")
    assert (prompted.name, prompted.protocol.name, prompted.protocol.parameters) == (f"all@{name}", name, {})
    assert (prompted.groups, prompted.metrics) == (whole.groups, whole.metrics)
    assert prompted.protocol.drawing().scored_steps
    assert prompted.sha256 != whole.sha256


def test_a_suites_own_variant_comes_before_a_protocol(write):
    """A variant that is called like a protocol is the variant; seeds are those of the suite."""
    own = HEAD.replace("[protocol]", "[protocol]\nseeds = 3") + ALL
    other = 'protocol = { name = "random-error", version = 1, parameters = { score_after = [2] } }\n'
    assert suite.load(write(own + VARIANT + other) + "@box").protocol.name == "random-error"
    assert suite.load(write(own) + "@box").protocol.seeds == 3


def test_a_path_with_an_at_sign_is_a_path(tmp_path):
    """A file is read as it is called, before any variant is looked for."""
    path = tmp_path / "me@home.toml"
    path.write_text(HEAD + ALL, encoding="utf-8")
    assert suite.load(str(path)).name == "mine"


def test_variants_do_not_change_the_hash(write):
    """What somebody else ran is no part of what this suite evaluates."""
    assert suite.load(write(HEAD + ALL)).sha256 == suite.load(write(HEAD + ALL + VARIANT)).sha256


def test_the_hash_follows_the_content(write):
    """The same suite in another layout hashes alike; another tolerance does not."""
    one = suite.load(write(HEAD + ALL)).sha256
    same = suite.load(write("# a comment\n" + HEAD + ALL)).sha256
    other = suite.load(write(HEAD + "[metrics]\nnsd_tolerance_mm = 3.0\n" + ALL)).sha256
    assert one == same != other
