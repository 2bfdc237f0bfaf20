"""Golden outputs of the 2D models: the published networks' answers, and files that do not fit."""

import numpy as np
import pytest
import torch

from bench import golden
from curate.errors import UsageError


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.parametrize(
    ("model", "file", "arrays"),
    [("sam-vit-b", "sam_vit_b", 10), ("sam-med2d", "sam_med2d", 10), ("sam-unet-res50", "sam_unet_res50", 6)],
)
def test_answers_are_the_published_ones(shared_dir, model, file, arrays):
    """Every array of a published network's golden file is met to 1e-4."""
    threads = torch.get_num_threads()
    torch.set_num_threads(min(2, threads))
    try:
        errors = golden.check(model, shared_dir / "golden" / f"{file}.npz")
    finally:
        torch.set_num_threads(threads)
    assert len(errors) == arrays
    assert max(errors.values()) < 1e-4


@pytest.mark.parametrize(
    ("box", "message"),
    [
        (None, "g.npz: lacks box"),
        (np.array([5, 6, 4, 9]), r"box \[5, 6, 4, 9\] is no x0, y0, x1, y1 with x0 < x1 and y0 < y1; check --golden"),
        (np.array([np.nan, 1, 2, 3]), "box .* is no x0, y0, x1, y1"),
        (np.zeros((1, 4)), "box .* is no x0, y0, x1, y1"),
        (np.array(list("abcd")), "box .* is no x0, y0, x1, y1"),
    ],
)
def test_unfit_box_is_one_line(tmp_path, box, message):
    """A golden file of a 2D model needs a box with an inside; nothing is computed before."""
    arrays = {"input_name": np.array("x"), "points": np.zeros((1, 2)), "labels": np.array([1]), "box": box}
    np.savez(tmp_path / "g.npz", **{name: value for name, value in arrays.items() if value is not None})
    with pytest.raises(UsageError, match=message) as error:
        golden.check("sam-vit-b", tmp_path / "g.npz")
    assert "\n" not in str(error.value)
