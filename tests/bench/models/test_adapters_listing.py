"""What the adapters say of themselves without their packages: cards can be listed, and nothing heavy is imported."""

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench.models import base
from bench.training.cards import load_card

MODELS = {
    "torchscript": "torchscript:TorchScript",
    "onnx": "onnx:Onnx",
    "monai-bundle": "monai_bundle:MonaiBundle",
    "vista3d": "vista3d:Vista3d",
    "sam-transformers": "transformers_sam:SamTransformers",
    "sam2": "transformers_sam:Sam2Transformers",
    "medsam": "medsam:MedSam",
    "nninteractive": "nninteractive:NnInteractive",
}
OPTIONAL = {"monai", "transformers", "onnxruntime", "onnx", "nnInteractive", "torch"}
ADAPTERS = Path(base.__file__).parent / "adapters"


def made(name):
    """Return the class of a model."""
    module, _, attribute = MODELS[name].partition(":")
    return getattr(importlib.import_module(f"bench.models.adapters.{module}"), attribute)


@pytest.mark.parametrize("name", MODELS)
def test_cards_are_complete(name):
    """Every adapter has a card under its own name that says what it takes and what --weights must be."""
    card = made(name).card
    assert card.name == name
    assert card.description
    assert card.licence
    assert card.weights
    assert card.capabilities.prompts <= {"points", "box", "boxes", "target", "previous"}
    assert card.training_card is None or load_card(card.training_card)


def test_cards_are_listed_without_the_packages():
    """With every optional package blocked, all classes are imported and their cards read."""
    names = ", ".join(repr(name) for name in sorted(OPTIONAL))
    modules = sorted({spec.partition(":")[0] for spec in MODELS.values()})
    lines = [
        "import sys, importlib",
        f"sys.modules.update(dict.fromkeys(({names})))",
        *[f"importlib.import_module('bench.models.adapters.{module}')" for module in modules],
    ]
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.returncode == 0


def test_every_adapter_is_in_the_guide():
    """docs/models.md has a row for each adapter."""
    guide = ADAPTERS.parents[2] / "docs/models.md"
    if not guide.is_file():
        pytest.skip("installed without docs")
    assert set(MODELS) <= set(re.findall(r"`([a-z0-9-]+)`", guide.read_text()))


def test_extras_are_named_where_packages_are_needed():
    """Every call of `needed` names an extra that docs/models.md lists."""
    guide = ADAPTERS.parents[2] / "docs/models.md"
    if not guide.is_file():
        pytest.skip("installed without docs")
    text = guide.read_text()
    extras = set()
    for path in ADAPTERS.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "needed":
                extras.add(ast.literal_eval(node.args[1]))
    assert extras == {"monai", "onnx", "transformers", "nninteractive"}
    assert all(re.search(rf"`[a-z,]*{extra}[a-z,]*`", text) for extra in extras)
