"""Options of a model as a user types them, and the name under which its rows stand."""

import re
from dataclasses import dataclass, fields
from pathlib import Path

import pytest

from bench import models
from bench.models.base import ModelCard
from bench.models.changes import changed, require_alike
from bench.models.choice import Choice, parse_options, presented
from bench.models.planar.options import Options as PlanarOptions
from bench.models.sam_med3d.options import Options as SamMed3DOptions
from curate.errors import UsageError

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "models.md"
CARD = ModelCard("net", "a network", "MIT", training_card="sam-med3d")


@dataclass(frozen=True)
class Settings:
    """Options of every kind."""

    clamp: bool = False
    windows: int = 8
    share: float = 0.5
    axis: str = "k"
    window: tuple[float, float] = (-160.0, 240.0)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("3", 3),
        ("0.25", 0.25),
        ("rgb", "rgb"),
        ('"two words"', "two words"),
        ("[-160, 240]", (-160, 240)),
        ("[[1, 2], [3]]", ((1, 2), (3,))),
        ("a = b", "a = b"),
        ("1\nother = 2", "1\nother = 2"),
        ("", ""),
        ("2026-11-21", "2026-11-21"),
        ("{ a = 1 }", "{ a = 1 }"),
        ("[1, { a = 1 }]", "[1, { a = 1 }]"),
        ("nan", "nan"),
        ("[-inf, 1]", "[-inf, 1]"),
    ],
)
def test_a_value_is_toml_or_a_word(text, value):
    """What TOML reads as one plain value is that value; dates, tables, NaN and all else are the text itself."""
    assert parse_options([f"name={text}"]) == (("name", value),)


def test_options_are_sorted_and_can_be_kept():
    """The order of typing does not matter, and lists become tuples, so that a choice can be a key."""
    one = Choice("net", options=parse_options(["b=[1, 2]", "a=x"]))
    other = Choice("net", options=parse_options(["a=x", "b=[1, 2]"]))
    assert one == other
    assert len({one, other}) == 1


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["clamp"], "--set clamp: write NAME=VALUE, such as --set clamp_ct=true"),
        (["=3"], "--set =3: write NAME=VALUE"),
        (["two words=3"], "--set two words=3: write NAME=VALUE"),
        (["a=1", "a=2"], "--set a is given twice; keep one"),
    ],
)
def test_what_is_no_option_says_what_to_type(texts, message):
    """A text without a name or a value, and a name that is given twice, stop at once."""
    with pytest.raises(UsageError, match=re.escape(message)):
        parse_options(texts)


def test_changes_take_the_place_of_defaults():
    """What is not named stays; a whole number may stand for a number."""
    assert changed(Settings(), {"clamp": True, "share": 1, "window": (0, 1)}, "net") == Settings(
        clamp=True, share=1, window=(0, 1)
    )


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("clamp", "no", "true or false"),
        ("clamp", 1, "true or false"),
        ("windows", True, "a whole number"),
        ("windows", 2.5, "a whole number"),
        ("share", "half", "a number"),
        ("share", True, "a number"),
        ("axis", 2, "a word"),
        ("window", (1,), "2 numbers"),
        ("window", (1, "x"), "2 numbers"),
        ("window", 5, "2 numbers"),
    ],
)
def test_a_value_of_another_kind_is_refused(name, value, expected):
    """`clamp=no` is a word, and would count as true."""
    with pytest.raises(UsageError, match=re.escape(f"{name} must be {expected}, found {value!r}")):
        changed(Settings(), {name: value}, "net")


def test_an_unknown_or_fixed_option_names_the_others():
    """A misspelt option says which there are; one that is kept is not among them."""
    with pytest.raises(UsageError, match=r"net has no option `clmp`; known: clamp, windows, share, axis$"):
        changed(Settings(), {"clmp": True}, "net", kept=("window",))
    with pytest.raises(UsageError, match="net has no option `window`"):
        changed(Settings(), {"window": (1, 2)}, "net", kept=("window",))


def test_adapters_are_there_or_not():
    """SAM-Med2D refuses a word where it needs true or false, before it asks for weights."""
    with pytest.raises(UsageError, match="adapters must be true or false, found 'no'"):
        models.load("sam-med2d", options=[("adapters", "no")])
    require_alike("adapters", value=False, default=True)


@pytest.mark.parametrize(
    ("name", "option", "message"),
    [
        ("region-growing", "speed", "model `region-growing` has no option `speed`; known:"),
        ("sam-med3d", "weights", "model `sam-med3d` has no option `weights`"),
        ("sam-med3d", "clamp", "sam-med3d has no option `clamp`; known: canonical, clamp_ct, points_fed"),
        ("medsam", "fit", "medsam has no option `fit`; known: channels, intensity"),
        ("sam-vit-b", "axes", "sam-vit-b has no option `axes`; known: fit, channels"),
        ("exec:./model", "fast", "--set fast: a program takes its options in its command, `exec:COMMAND ...`"),
    ],
)
def test_a_model_refuses_what_it_does_not_know(name, option, message):
    """An option that a model does not have stops before weights are read."""
    with pytest.raises(UsageError, match=re.escape(message)):
        models.load(name, options=[(option, True)])


def test_a_model_is_shown_under_its_name_and_options():
    """Options stand in the name unless somebody gives one; without either the card is as it was."""
    options = parse_options(["points_fed=all", "clamp_ct=true", "max_windows=2"])
    assert presented(CARD, Choice("net")) == CARD
    assert presented(CARD, Choice("net", options=options)).name == "net[clamp_ct=true,max_windows=2,points_fed=all]"
    assert presented(CARD, Choice("net", options=options, title="ours")).name == "ours"


@pytest.mark.parametrize(("given", "shown"), [(None, "sam-med3d"), ("mine.toml", "mine.toml"), ("none", None)])
def test_the_training_card_may_be_another(given, shown):
    """Own weights have a card of their own, or none."""
    assert presented(CARD, Choice("net", training_card=given)).training_card == shown


@pytest.mark.parametrize("title", ["", "  ", "two\nlines", "bell\a"])
def test_a_name_can_be_read(title):
    """A name without a printable character, or on two lines, is refused."""
    with pytest.raises(UsageError, match="give a name of printable characters, on one line"):
        Choice("net", title=title)


@pytest.mark.parametrize("options", [PlanarOptions, SamMed3DOptions])
def test_the_document_lists_every_option(options):
    """docs/models.md has a row for each option of the published networks, with its default."""
    rows = {line.split("`")[1]: line for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if "| `" in line}
    missing = [field.name for field in fields(options) if field.name not in {*rows, "device"}]
    assert not missing
