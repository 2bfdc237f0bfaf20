"""docs/protocols.md: it names every protocol that ships, its example loads, and its prices are the code's."""

import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

from bench import protocols
from bench.protocols.key import Key
from bench.records import Prompts
from curate.labelmap import BoxMask

TEXT = (Path(__file__).resolve().parents[3] / "docs/protocols.md").read_text(encoding="utf-8")


def test_the_guide_names_all_that_ships():
    """Every protocol has a row in one of the tables."""
    assert [name for name in protocols.REGISTRY.builtin if f"\n| `{name}` |" not in TEXT] == []


def test_the_example_loads():
    """The example is a protocol with parameters that it takes."""
    example = tomllib.loads(re.findall(r"```toml\n(.*?)```", TEXT, flags=re.DOTALL)[0])["protocol"]
    assert protocols.load(**example).scored_steps == (1, 3, 5)


@pytest.mark.parametrize(
    ("words", "name", "parameters"),
    [
        ("a click", "ritm", {}),
        ("a box on one slice, or in a 2D image: two corners", "box", {"extent": "largest-slice"}),
        ("a box around a volume", "box", {}),
        ("a box on one slice, and the first and last slice of the target", "cvpr25", {}),
        ("a scribble or a lasso", "lasso", {}),
        ("naming the target, or a mask that comes from elsewhere", "start-mask", {}),
    ],
)
def test_prices_are_the_codes(words, name, parameters):
    """What the first step of a protocol costs is what its row of the table says."""
    price = int(re.search(rf"\n\| {re.escape(words)} \| (\d) \|", TEXT)[1])
    protocol = protocols.load(name, 1, parameters)
    mask = BoxMask.of(np.pad(np.ones((4, 4, 4), dtype=bool), 2))
    assert protocol.actions(protocol.prompt(mask, None, Prompts("x"), Key(name, 1, "d", "d/c", "liver", 1))) == price
