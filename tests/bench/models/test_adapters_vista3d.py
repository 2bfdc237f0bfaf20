"""VISTA3D from MONAI: a narrow network of random weights, in a bundle that is written here."""

import json
import runpy
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.errors import UnsupportedError
from bench.records import Prompts
from curate.errors import UsageError
from curate.geometry import Geometry
from curate.volume import Volume

pytest.importorskip("monai", reason="the extra `monai` is not installed")

from bench.models.adapters import vista3d_session
from bench.models.adapters.vista3d import Vista3d

phantoms = runpy.run_path(str(Path(__file__).with_name("adapter_phantoms.py")))
ball_image, oblique_grid, straight_grid, told = (
    phantoms[name] for name in ("ball_image", "oblique_grid", "straight_grid", "told")
)
NAMES = {"0": "background", "1": "liver", "2": "kidney", "3": "spleen", "5": "right kidney", "14": "left kidney"}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """Write a bundle with a network of eight features and random weights; return its folder."""
    from monai.networks.nets.vista3d import vista3d132

    folder = tmp_path_factory.mktemp("vista")
    for name in ("configs", "models"):
        (folder / name).mkdir()
    metadata = {"network_data_format": {"outputs": {"pred": {"channel_def": {**NAMES, "26": "hepatic tumor"}}}}}
    (folder / "configs/metadata.json").write_text(json.dumps(metadata))
    torch.manual_seed(1)
    torch.save({"model": vista3d132(encoder_embed_dim=8).state_dict()}, folder / "models/model.pt")
    return folder


@pytest.fixture(scope="module")
def model(bundle):
    """Return the model with windows of 32 voxels."""
    return Vista3d(bundle, side=32)


@pytest.fixture(scope="module")
def image():
    """Return a ball as bright as soft tissue on a turned grid."""
    return ball_image(oblique_grid(), inside=60.0)[0]


def same(one, other):
    """Tell whether two masks are equal."""
    return one.box == other.box and (one.voxels == other.voxels).all()


def clicked(*points, target=None):
    """Return prompts of points inside."""
    prompts = Prompts("x", target=target)
    for point in points:
        prompts = prompts.with_point(point, 1)
    return prompts


def test_told_together_as_told_alone(model, image):
    """Classes asked for in one call get the masks that each gets alone, on the image's own grid."""
    together = model.open(image).predict_many([Prompts(t, target=t) for t in ("liver", "spleen", "kidney")])
    alone = [told(model.open(image), target) for target in ("liver", "spleen", "kidney")]
    assert all(same(one, other) for one, other in zip(together, alone, strict=True))
    assert together[0].shape_ijk == image.geometry.shape_ijk
    assert not same(together[0], together[1])


def test_a_class_in_parts_is_their_union(model, image):
    """The kidney, which the network has as left and right only, is the union of both."""
    both, left, right = model.open(image).predict_many(
        [Prompts(t, target=t) for t in ("kidney", "kidney_left", "kidney_right")]
    )
    assert (both.full() == (left.full() | right.full())).all()


def test_clicks_depend_on_nothing_but_themselves(model, image):
    """Clicks answer the same in another session, after other questions, and in a batch."""
    point = (13, 12, 7)
    session = model.open(image)
    batched = session.predict_many([Prompts("y", target="liver"), clicked(point)])[1]
    session.predict(clicked(point, (3, 3, 3)))
    assert same(session.predict(clicked(point)), batched)


def test_what_no_click_hangs_together_with_is_dropped(model, image, monkeypatch):
    """Without a class, of two bright balls only the clicked one is kept, in voxels of the image's own grid."""
    shape = model.open(image)._image.shape
    logits = torch.full((1, 1, *shape[2:]), -1.0)
    session = model.open(image)
    near, far = (13, 12, 7), (2, 2, 2)
    for point in (near, far):
        i, j, k = np.rint(session._places(np.array([point])))[0].astype(int)
        logits[0, 0, max(0, i - 1) : i + 2, max(0, j - 1) : j + 2, max(0, k - 1) : k + 2] = 1.0
    monkeypatch.setattr(vista3d_session, "point_based_window_inferer", lambda *_, **__: logits.clone())
    mask = session.predict(clicked(near)).full()
    assert mask[near]
    assert not mask[far]
    assert session.predict(clicked(near, far)).full()[far]


@pytest.mark.parametrize(("target", "label"), [("liver", 1), ("liver_tumor", 3), ("heart", 1)])
def test_a_class_goes_with_its_clicks(model, image, monkeypatch, target, label):
    """A target that is a class is told beside the click; some classes have labels of their own; others are clicked."""
    seen = {}

    def inferer(image, *_, **options):
        seen.update(options)
        return torch.zeros(image.shape)

    monkeypatch.setattr(vista3d_session, "point_based_window_inferer", inferer)
    model.open(image).predict(clicked((13, 12, 7), target=target))
    expected = model._classes.get(target)
    assert (None if seen["class_vector"] is None else tuple(seen["class_vector"][0].tolist())) == expected
    assert seen["point_labels"].tolist() == [[label]]


def test_intensities_are_the_bundles(model):
    """-963.82 HU and below are 0, 1053.68 HU and above are 1."""
    grid = Geometry((20, 20, 20), np.diag([1.5, 1.5, 1.5, 1.0]))
    voxels = np.full(grid.shape_ijk, -3000.0)
    voxels[10:] = 3000.0
    seen = model.open(Volume(voxels, grid))._image[0, 0]
    assert seen.shape == (20, 20, 20)
    assert (float(seen[:9].max()), float(seen[11:].min())) == pytest.approx((0, 1), abs=1e-6)


@pytest.mark.parametrize(
    ("prompts", "message"),
    [
        (Prompts("x", target="heart"), "VISTA3D has no class heart, and no point lies inside"),
        (Prompts("x"), "has no class None"),
        (Prompts("x", box=(0, 0, 0, 2, 2, 2), target="liver"), r"takes points and a target, found \['box', 'target'\]"),
        (clicked((99, 0, 0)), r"point \(99, 0, 0\) lies outside the image"),
    ],
)
def test_unsupported_prompts(model, image, prompts, message):
    """What is neither a class nor a click inside the image is refused."""
    with pytest.raises(UnsupportedError, match=message):
        model.open(image).predict(prompts)


def test_unsupported_images(model):
    """Pictures, and NaN, are refused."""
    with pytest.raises(UnsupportedError, match="takes volumes with a spacing in mm"):
        model.open(Volume(np.zeros((5, 5, 1)), Geometry((5, 5, 1), np.eye(4), "pixel")))
    with pytest.raises(UnsupportedError, match="holds NaN or infinity"):
        model.open(Volume(np.full((5, 5, 5), np.nan), Geometry((5, 5, 5), np.eye(4))))


def test_what_the_folder_lacks_is_told(tmp_path):
    """No folder, and a folder without metadata, are one line each."""
    with pytest.raises(UsageError, match=r"vista3d needs weights: add --weights FOLDER, the folder of the VISTA3D"):
        Vista3d(None)
    with pytest.raises(UsageError, match=r"is no folder of the VISTA3D bundle"):
        Vista3d(tmp_path)
