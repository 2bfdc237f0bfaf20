"""The checks of a model: an honest one passes all, and each sin fails its own row."""

import pytest

from bench import conformance
from curate.errors import UsageError

HEAD = """
import numpy as np
from bench.errors import UnsupportedError
from bench.models.base import Capabilities, ModelCard
from curate.labelmap import BoxMask


class Good:
    card = ModelCard("good", "d", "MIT", Capabilities(), "untrained")

    def open(self, image):
        self.image = image
        self.seen = 0
        return self

    def predict(self, prompts):
        self.seen += 1
        inside = np.zeros(self.image.geometry.shape_ijk, dtype=bool)
        for point in prompts.points_ijk:
            inside[tuple(point)] = True
        return BoxMask.of(inside)

"""
GRID = "answers on the image's own grid"
OTHER = "takes flipped, oblique and anisotropic grids"
TWICE = "answers the same twice"
AGAIN = "asked again from the start, answers the same"
SEVERAL = "answers several targets as it answers each"
CONSTANT = "takes an image that is constant"
CORNER = "takes a click in a corner"
UNTOUCHED = "leaves the image as it was"
EVERYTHING = [GRID, OTHER, TWICE, AGAIN, SEVERAL, CONSTANT, CORNER, UNTOUCHED]


@pytest.fixture
def failing(tmp_path):
    """Return a function from the body of a model to the checks that it fails and their details."""

    def checked(body):
        path = tmp_path / "mine.py"
        path.write_text(HEAD + body, encoding="utf-8")
        rows = conformance.check(f"{path}:{'Bad' if 'class Bad' in body else 'Good'}")
        assert [row["check"] for row in rows] == EVERYTHING
        assert all(bool(row["detail"]) == (row["result"] == "fail") for row in rows)
        return {row["check"]: row["detail"] for row in rows if row["result"] == "fail"}

    return checked


def test_an_honest_model_passes(failing):
    """A model that keeps its promises fails nothing."""
    assert failing("") == {}


@pytest.mark.parametrize(
    ("body", "checks", "detail"),
    [
        ("    def predict(self, p): return None", EVERYTHING, "answered with NoneType"),
        ("    def predict(self, p): return np.zeros((5, 5, 5))", EVERYTHING, r"ndarray of shape (5, 5, 5), expected"),
        ("    def open(self, image): exit(1)", EVERYTHING, "SystemExit: 1"),
        (
            "    def open(self, image): raise UnsupportedError('no 3D')",
            EVERYTHING,
            "the card lists what the model refuses: no 3D",
        ),
        (
            """
    def predict(self, p):
        if self.image.geometry.affine[0, 0] < 0: raise ValueError('flipped')
        return super().predict(p)
""",
            [OTHER],
            "ValueError: flipped",
        ),
        (
            """
    n = 0
    def predict(self, p):
        Bad.n += 1
        return super().predict(p.with_point((Bad.n, 0, 0), 1))
""",
            [TWICE, AGAIN, SEVERAL],
            "",
        ),
        (
            "    def predict(self, p):\n        return super().predict(p.with_point((self.seen, 0, 0), 1))",
            [AGAIN, SEVERAL],
            "",
        ),
        (
            """
    def predict_many(self, many):
        return [self.predict(one.with_point((len(many), 0, 0), 1)) for one in many]
""",
            [SEVERAL],
            "depends on which others are asked",
        ),
        (
            """
    def predict(self, p):
        if np.ptp(self.image.voxels) == 0: raise ZeroDivisionError('std\\n is 0')
        return super().predict(p)
""",
            [CONSTANT],
            "ZeroDivisionError: std is 0",
        ),
        (
            """
    def predict(self, p):
        assert p.points_ijk.min() > 0 or len(p.labels) > 1, 'corner'
        return super().predict(p)
""",
            [CORNER],
            "AssertionError: corner",
        ),
        (
            "    def predict(self, p):\n        self.image.voxels[0] += 1\n        return super().predict(p)",
            [UNTOUCHED],
            "changed the image's voxels in place",
        ),
    ],
)
def test_each_sin_fails_its_own_row(failing, body, checks, detail):
    """A model that breaks one promise fails exactly the checks of that promise, with a detail that tells how."""
    found = failing(f"\nclass Bad(Good):\n{body}\n")
    assert list(found) == checks
    assert all(detail in text and "\n" not in text for text in found.values())


@pytest.mark.parametrize("kinds", ["{'box'}", "{'points', 'box'}"])
def test_models_are_shown_what_they_take(failing, kinds):
    """A model of boxes is shown a box that holds the ball, and clicks only if it takes them."""
    body = f"""
class Bad(Good):
    card = ModelCard('b', 'd', 'MIT', Capabilities(prompts=frozenset({kinds})))
    def predict(self, p):
        assert p.box is not None and p.kinds == {kinds}, p.kinds
        shape = [p.box[n + 3] - p.box[n] for n in range(3)]
        return BoxMask(self.image.geometry.shape_ijk, p.box, np.ones(shape, dtype=bool))
"""
    assert failing(body) == {}


def test_models_of_slices_are_shown_slices(failing):
    """A 2D model never sees a volume in the checks."""
    body = (
        "\nclass Bad(Good):\n    card = ModelCard('b', 'd', 'MIT', Capabilities(dimensions=frozenset({2})))\n"
        "    def open(self, image):\n        assert image.geometry.is_2d\n        return super().open(image)\n"
    )
    assert failing(body) == {}


def test_a_model_that_cannot_be_made_is_wrong_usage():
    """A name that nothing answers to is no failed check."""
    with pytest.raises(UsageError, match="unknown model"):
        conformance.check("nobody")
