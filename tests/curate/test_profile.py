"""Profiles: what ships says what its source says, and a list that cannot work is refused in one line."""

import re
from pathlib import Path

import pytest

from curate import profile
from curate.errors import ConfigError
from curate.plugins import shipped_names
from curate.rules import RULES

HEAD = 'schema = 1\nname = "mine"\ndescription = "d"\nsource = "s"\n'
THRESHOLDS = {
    "native": [],
    "sa-med3d": [
        ("min_volume_cm3", 1.0),
        ("min_extent_cm", 1.5),
        ("max_background_share", 0.99),
        ("largest_components", 5),
        ("split_sides", None),
        ("resample", 1.5),
    ],
    "sa-med3d-issue20": [
        ("resample", 1.5),
        ("min_side_voxels", 10),
        ("min_voxels", 1000),
        ("max_side_voxels", int(128 * 0.95)),
    ],
    "sa-med3d-repo": [("min_volume_mm3", 10.0), ("resample", 1.5)],
    "sa-med2d": [
        ("slice", ("x", "y", "z")),
        ("max_aspect", 2.0),
        ("split_components", None),
        ("min_area_share", 100 / 256**2),
    ],
    "sa-med2d-16m-clean": [("require_mask", None)],
}


def written(folder, *listed):
    """Write a profile of these rules, each as TOML keys, and return its path."""
    path = folder / "mine.toml"
    path.write_text(HEAD + "".join(f"[[rules]]\n{keys}\n" for keys in listed), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("name", THRESHOLDS)
def test_shipped_profiles_have_the_published_rules_in_their_order(name):
    """Names, order and thresholds are those of paper, issue, script and data paper."""
    found = []
    for rule in profile.load(name).rules:
        numbers = [getattr(rule, key) for key in ("threshold", "spacing_mm", "axes") if hasattr(rule, key)]
        found.append((rule.rule, *(numbers or [None])))
    assert found == THRESHOLDS[name]


def test_every_shipped_profile_is_held_against_its_source():
    """No profile ships without an entry in the table above."""
    assert set(shipped_names("profiles")) == set(THRESHOLDS)


def test_what_is_not_published_flags_and_does_not_drop():
    """The longest side of issue 20 is the one rule that flags: what becomes of a longer mask is not stated."""
    rules = [rule for name in THRESHOLDS for rule in profile.load(name).rules]
    assert [rule.rule for rule in rules if getattr(rule, "action", "drop") == "flag"] == ["max_side_voxels"]


def test_every_rule_of_a_mask_has_a_function():
    """A profile can name nothing that nobody carries out."""
    named = {model.model_fields["rule"].annotation.__args__[0] for model in profile.models.Measured.__args__}
    assert named == set(RULES)


@pytest.mark.parametrize(
    ("name", "spacing_mm", "axes", "needs_volume", "keeps_images"),
    [
        ("native", None, (), False, True),
        ("sa-med3d", 1.5, (), True, True),
        ("sa-med3d-repo", 1.5, (), True, True),
        ("sa-med2d", None, ("x", "y", "z"), False, False),
        ("sa-med2d-16m-clean", None, (), False, False),
    ],
)
def test_a_profile_says_what_it_does_to_images(name, spacing_mm, axes, needs_volume, keeps_images):
    """Spacing, axes and whether pictures are taken follow from the list of rules."""
    found = profile.load(name)
    assert (found.spacing_mm, found.axes) == (spacing_mm, axes)
    assert (found.needs_volume, found.keeps_images) == (needs_volume, keeps_images)


def test_a_rule_in_mm_alone_needs_volumes(tmp_path):
    """A profile without resampling takes no pictures either if it measures in millimetres."""
    for keys in ('rule = "min_volume_mm3"\nthreshold = 10', 'rule = "min_extent_cm"\nthreshold = 1'):
        assert profile.load(written(tmp_path, keys)).needs_volume
    assert not profile.load(written(tmp_path, 'rule = "min_voxels"\nthreshold = 10')).needs_volume


def test_the_place_of_a_rule_is_counted_from_one():
    """`step_of` is what the rows of the rules carry."""
    assert profile.load("sa-med2d").step_of("slice") == 1
    assert profile.load("sa-med2d").step_of("min_area_share") == 4


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        (['rule = "min_area_share"\nthreshold = 0.1'], "`min_area_share` measures pictures; list it after `slice`"),
        (['rule = "max_aspect"\nthreshold = 2', 'rule = "slice"'], "`max_aspect` measures pictures; list it after"),
        (['rule = "slice"', 'rule = "split_sides"'], "`split_sides` needs volumes; list it before `slice`"),
        (['rule = "slice"', 'rule = "resample"\nspacing_mm = 1'], "`resample` needs volumes; list it before `slice`"),
        (['rule = "slice"', 'rule = "slice"'], "`slice` is listed twice"),
        (['rule = "split_components"', 'rule = "split_sides"'], "`split_sides` needs whole masks; list it before"),
        (['rule = "slice"\naxes = ["i"]'], "Input should be 'x', 'y' or 'z', found 'i'"),
        (['rule = "slice"\naxes = []'], "at least 1 item"),
        (['rule = "max_aspect"\nthreshold = 0.5'], "greater than or equal to 1, found 0.5"),
        (['rule = "min_voxels"\nthreshold = 1.5'], "valid integer, got a number with a fractional part, found 1.5"),
        (['rule = "min_voxels"\nthreshold = 5\naction = "mark"'], "'drop' or 'flag', found 'mark'"),
        (['rule = "largest_components"\nthreshold = 5\naction = "flag"'], "unknown key .*action"),
        (['rule = "min_volume"\nthreshold = 5'], "min_volume"),
    ],
)
def test_a_list_that_cannot_work_is_refused(tmp_path, listed, message):
    """What is wrong, and where to put it, stands in one line."""
    with pytest.raises(ConfigError, match=message) as caught:
        profile.load(written(tmp_path, *listed))
    assert "\n" not in str(caught.value)


def test_the_guide_names_every_profile_and_rule_and_its_example_loads(tmp_path):
    """docs/profiles.md is complete, and its profile of one's own is one."""
    guide = (Path(__file__).resolve().parents[2] / "docs/profiles.md").read_text(encoding="utf-8")
    for name in [*THRESHOLDS, *RULES, "resample", "slice", "require_mask"]:
        assert f"`{name}`" in guide, name
    example = re.search(r"```toml\n(.*?)```", guide, re.DOTALL)[1]
    (tmp_path / "own.toml").write_text(example, encoding="utf-8")
    own = profile.load(str(tmp_path / "own.toml"))
    assert (own.spacing_mm, own.axes, own.rules[-1].action) == (1.0, ("z",), "flag")
