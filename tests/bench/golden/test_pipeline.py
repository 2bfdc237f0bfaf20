"""Golden outputs of a whole inference: the published one on real images, and files that cannot be meant."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from bench.golden import pipeline
from curate import volume
from curate.errors import UsageError
from curate.geometry import Geometry
from curate.volume import Volume


@pytest.fixture
def corpus(tmp_path):
    """Write an image and its label map."""
    grid = Geometry((6, 5, 4), np.diag([2.0, 2.0, 2.0, 1.0]))
    label = np.zeros((6, 5, 4), dtype=np.uint8)
    label[2:4, 1:3, 1] = 5
    volume.write(Volume(np.arange(120, dtype=np.int16).reshape(6, 5, 4), grid), tmp_path / "image.nii.gz")
    volume.write(Volume(label, grid), tmp_path / "label.nii.gz")
    return tmp_path


@pytest.fixture
def stand_in(monkeypatch):
    """Register an inference that reports what it was given."""

    class Module:
        @staticmethod
        def pipeline(_weight):
            return lambda image, label, click: {
                "low_res_strided": np.array([image.voxels.max(), label.count]),
                "roi_label_voxels": np.array(click),
                "native_mask_strided": np.eye(4, dtype=np.uint8),
            }

    monkeypatch.setattr(pipeline, "MODELS", {"stand-in": "stand.in"})
    monkeypatch.setattr(pipeline.importlib, "import_module", {"stand.in": Module}.__getitem__)


def write(path, **changes):
    """Write a golden file of one case that the stand-in meets, changed."""
    case = {
        "image_path": np.array("image.nii.gz"),
        "mask_path": np.array("label.nii.gz"),
        "label_value": np.array(5),
        "click_ijk": np.array([1, 2, 3]),
        "low_res_strided": np.array([119, 4]),
        "roi_label_voxels": np.array([1, 2, 3]),
        "native_mask_strided": np.eye(4, dtype=np.uint8),
    } | changes
    np.savez(path, **{f"case/{name}": value for name, value in case.items() if value is not None})
    return path


@pytest.mark.usefixtures("stand_in")
def test_each_array_has_its_error_and_limit(tmp_path, corpus):
    """Exact arrays, relative errors and shares of voxels, each against its own limit."""
    mask = np.eye(4, dtype=np.uint8)
    mask[0, 0] = 0
    path = write(
        tmp_path / "g.npz",
        low_res_strided=np.array([119.1, 4]),
        roi_label_voxels=np.array([1, 2, 4]),
        native_mask_strided=mask,
    )
    rows = {row["array"]: row for row in pipeline.check("stand-in", path, corpus)}
    assert rows["case/low_res_strided"]["error"] == pytest.approx(0.1 / 119.1, rel=1e-2)
    assert rows["case/low_res_strided"]["result"] == "pass"
    assert rows["case/roi_label_voxels"] == {
        "array": "case/roi_label_voxels",
        "error": 0.25,
        "limit": 0.0,
        "result": "fail",
    }
    assert rows["case/native_mask_strided"]["error"] == 1 / 16
    assert rows["case/native_mask_strided"]["result"] == "fail"
    good = pipeline.check("stand-in", write(tmp_path / "h.npz"), corpus)
    assert [row["result"] for row in good] == ["pass"] * 3


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"click_ijk": None}, "case case lacks click_ijk"),
        ({"click_ijk": np.array([0.5, 1, 2])}, "click_ijk is no voxel of three whole numbers"),
        ({"image_path": np.array("other.nii.gz")}, r"other\.nii\.gz: no such file; .*--corpus DIR"),
        ({"mask_path": np.array("g.npz")}, "g.npz: cannot be read .*check --corpus"),
        ({"label_value": np.array(6)}, r"label\.nii\.gz: holds no 6 on the grid of the image"),
        ({"novel": np.zeros(2)}, r"is no golden file of the inference \(case case\): holds novel"),
        ({"low_res_strided": np.zeros(3)}, r"low_res_strided is float64 \(3,\), expected finite numbers \(2,\)"),
        ({"low_res_strided": np.array([{}])}, "cannot be read as plain arrays"),
    ],
)
def test_unfit_file_is_one_line(corpus, changes, message):
    """What cannot be meant says what is wrong with it."""
    with pytest.raises(UsageError, match=message) as error:
        pipeline.check("stand-in", write(corpus / "g.npz", **changes), corpus)
    assert "\n" not in str(error.value)


@pytest.mark.usefixtures("stand_in")
def test_array_of_no_case_is_one_line(tmp_path):
    """A file for a network is not taken for one about images."""
    np.savez(tmp_path / "g.npz", points=np.zeros(3))
    with pytest.raises(UsageError, match="points belongs to no case, such as CASE/points; leave --corpus out"):
        pipeline.check("stand-in", tmp_path / "g.npz", tmp_path)


def test_unknown_model_lists_the_known(tmp_path):
    """A name without golden inference gets the names that have one."""
    with pytest.raises(UsageError, match="no golden inference on real images for model 'oracle'; known: sam-med3d"):
        pipeline.check("oracle", tmp_path / "g.npz", tmp_path)


def test_command_asks_for_the_corpus_and_for_the_file(tmp_path):
    """Either option alone is told about the other."""
    path = write(tmp_path / "g.npz")
    for given, message in (
        (("--golden", str(path)), "is about real images: add --corpus DIR"),
        (("--corpus", str(tmp_path)), "add --golden FILE.npz"),
    ):
        command = [sys.executable, "-m", "bench", "check-model", "sam-med3d", *given]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert message in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.slow
@pytest.mark.shared
def test_native_inference_is_the_published_one(shared_dir, corpus_dir):
    """Four real images (CT, MR, PET, CT): every array of the golden file within its limit, through the command."""
    golden = shared_dir / "golden" / "sam_med3d_native_pipeline.npz"
    command = [sys.executable, "-m", "bench", "check-model", "sam-med3d", "--json", "--golden", str(golden)]
    environment = os.environ | {"OMP_NUM_THREADS": "2"}
    done = subprocess.run(
        [*command, "--corpus", str(corpus_dir)], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert len(rows) == 4 * 10
    assert all(row["result"] == "pass" for row in rows)


@pytest.mark.shared
def test_published_cube_is_met_without_the_network(shared_dir, corpus_dir, monkeypatch):
    """What the network is shown, and the label's way there and back, are the published ones on every image."""

    class Nothing:
        def encode(self, crop):
            return crop

        def decode(self, _embedding, points, _labels, _previous):
            return torch.zeros(len(points), 1, 32, 32, 32), torch.zeros(len(points), 1)

    monkeypatch.setattr("bench.models.sam_med3d.golden_native.filled_network", lambda _: Nothing())
    rows = pipeline.check("sam-med3d", shared_dir / "golden" / "sam_med3d_native_pipeline.npz", corpus_dir)
    of_network = ("low_res_strided", "roi_mask_voxels", "native_mask_voxels", "native_mask_strided")
    others = [row for row in rows if not row["array"].endswith(of_network)]
    assert len(others) == 4 * 6
    assert all(row["error"] < 1e-6 for row in others)
