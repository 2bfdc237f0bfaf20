"""The checkpoint of every shipped network can be verified by its name and shapes, without a model being made."""

import pytest
import torch

from bench import models
from bench.golden import MODELS
from bench.models.verify import verify


def checkpoint(name, path):
    """Write a checkpoint of a network's names and shapes, each entry one zero in memory; return the network's names."""
    factory = models.REGISTRY.load(name)
    expected = factory.__new__(factory).unfilled().state_dict()
    torch.save({key: torch.zeros((), dtype=one.dtype).expand(one.shape) for key, one in expected.items()}, path)
    return list(expected)


@pytest.mark.parametrize("name", [*MODELS, "sam-med3d-crop", "sam-med3d-native"])
def test_a_checkpoint_of_the_right_shapes_passes(name, tmp_path):
    """Names, shapes and values pass; the digest is in no table."""
    names = checkpoint(name, tmp_path / "w.pth")
    rows = {row["check"]: row for row in verify(name, tmp_path / "w.pth")}
    assert [row["result"] for row in rows.values()] == ["pass"] * 4 + ["unknown"]
    assert rows["names are those of the network"]["detail"] == f"{len(names)} names"


def test_sam_med2d_without_adapters_takes_the_same_file(tmp_path):
    """A checkpoint with adapters has names that the baseline of 256 pixels does not know, and says which."""
    checkpoint("sam-med2d", tmp_path / "w.pth")
    row = next(row for row in verify("sam-vit-b-256", tmp_path / "w.pth") if row["check"].startswith("names"))
    assert (row["result"], "unexpected" in row["detail"], "Adapter" in row["detail"]) == ("fail", True, True)
