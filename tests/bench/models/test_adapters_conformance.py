"""`bench check-model` on the adapters of transformers, with tiny networks of random weights."""

import runpy
from pathlib import Path

import pytest

from bench import conformance
from bench.models import base

pytest.importorskip("transformers", reason="the extra `transformers` is not installed")

ADAPTERS = Path(base.__file__).parent / "adapters"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "network"),
    [
        ("transformers_sam.py:SamTransformers", "tiny_sam"),
        ("transformers_sam.py:Sam2Transformers", "tiny_sam2"),
        ("medsam.py:MedSam", "tiny_sam"),
    ],
)
def test_every_check_passes(tmp_path, name, network):
    """No check of conformance fails."""
    networks = runpy.run_path(str(Path(__file__).with_name("test_adapters_sam.py")))
    made = networks[network](*([32] if network == "tiny_sam" else []))
    made.save_pretrained(tmp_path)
    rows = conformance.check(str(ADAPTERS / name), tmp_path, "cpu")
    assert [row for row in rows if row["result"] == "fail"] == []
