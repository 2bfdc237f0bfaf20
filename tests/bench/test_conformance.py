"""The checks of a model: an honest one passes all, and each sin fails its own row."""

import gc

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
        if prompts.kinds - self.card.capabilities.prompts: raise UnsupportedError('not listed')
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
CORNER = "takes targets of one voxel in the corners"
UNTOUCHED = "leaves the image as it was"
TURNED = "finds the same when the axes are stored in another order"
CLICKED = "keeps what the user clicks on"
REFUSES = "refuses prompts that its card does not list"
MEMORY = "gives its memory back"
SLICES = "takes single slices"
BOXES = "takes boxes of single slices"
PREVIOUS = "takes a mask to start from"
ALWAYS = [GRID, SEVERAL, AGAIN, CLICKED, UNTOUCHED, REFUSES, TWICE, OTHER, CONSTANT, CORNER, TURNED, SLICES, MEMORY]
ANSWERED = [one for one in ALWAYS if one not in (REFUSES, MEMORY)]
"""What fails where no answer can be had."""


@pytest.fixture
def found(tmp_path):
    """Return a function from the body of a model to the checks that do not pass, their results and details."""

    def checked(body):
        path = tmp_path / "mine.py"
        path.write_text(HEAD + body, encoding="utf-8")
        rows = conformance.check(f"{path}:{'Bad' if 'Bad' in body else 'Good'}")
        assert all(bool(row["detail"]) == (row["result"] != "pass") for row in rows)
        return {row["check"]: (row["result"], row["detail"]) for row in rows if row["result"] != "pass"}

    return checked


@pytest.fixture
def failing(found):
    """Return a function from the body of a model to the checks that it fails and their details."""
    return lambda body: {check: detail for check, (result, detail) in found(body).items() if result == "fail"}


@pytest.fixture
def warned(found):
    """Return a function from the body of a model to the checks that warn and their details."""
    return lambda body: {check: detail for check, (result, detail) in found(body).items() if result == "warn"}


def test_an_honest_model_passes(found):
    """A model that keeps its promises has neither failures nor warnings."""
    assert found("") == {}


def test_what_is_checked_follows_the_card(tmp_path):
    """Slices, clicks and previous masks are tried with models whose cards list them, and with no others."""
    path = tmp_path / "mine.py"
    cards = {
        "": ALWAYS,
        "dimensions=frozenset({3})": [one for one in ALWAYS if one != SLICES],
        "prompts=frozenset({'box'})": [one for one in ALWAYS if one != CLICKED],
        "prompts=frozenset({'points', 'previous'})": [*ALWAYS[:4], PREVIOUS, *ALWAYS[4:]],
        "prompts=frozenset({'points', 'boxes'})": [*ALWAYS[:4], BOXES, *ALWAYS[4:]],
    }
    for capabilities, expected in cards.items():
        path.write_text(
            HEAD + f"    card = ModelCard('b', 'd', 'MIT', Capabilities({capabilities}))\n", encoding="utf-8"
        )
        assert [row["check"] for row in conformance.check(f"{path}:Good")] == expected


@pytest.mark.parametrize(
    ("body", "checks", "detail"),
    [
        ("    def predict(self, p): return None", ANSWERED, "answered with NoneType"),
        ("    def predict(self, p): return np.zeros((5, 5, 5))", ANSWERED, r"ndarray of shape (5, 5, 5), expected"),
        ("    def open(self, image): exit(1)", ANSWERED, "SystemExit: 1"),
        (
            "    def open(self, image): raise UnsupportedError('no 3D')",
            ANSWERED,
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
        return super().predict(p.with_point((0, Bad.n % 23, 0), 1))
""",
            [SEVERAL, AGAIN, TWICE],
            "",
        ),
        (
            "    def predict(self, p):\n        return super().predict(p.with_point((self.seen, 0, 0), 1))",
            [SEVERAL, AGAIN],
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
        assert p.points_ijk[:, 0].min() > 0 or len(p.labels) > 1, 'corner'
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
        if p.kinds != {kinds}: raise UnsupportedError(p.kinds)
        shape = [p.box[n + 3] - p.box[n] for n in range(3)]
        return BoxMask(self.image.geometry.shape_ijk, p.box, np.ones(shape, dtype=bool))
"""
    assert failing(body) == {}


def test_models_of_slices_are_shown_slices(failing):
    """A model of slices never sees a volume in the checks."""
    body = (
        "\nclass Bad(Good):\n    card = ModelCard('b', 'd', 'MIT', Capabilities(dimensions=frozenset({2})))\n"
        "    def open(self, image):\n        assert image.geometry.is_2d\n        return super().open(image)\n"
    )
    assert failing(body) == {}


@pytest.mark.parametrize(
    ("body", "check", "detail"),
    [
        (
            """
    def predict(self, p):
        return super().predict(replace(p, points_ijk=p.points_ijk[:1], labels=p.labels[:1]))
""",
            CLICKED,
            None,
        ),
        (
            """
    def predict(self, p):
        inside = super().predict(p).full()
        if len(p.labels) > 1: inside[tuple(p.points_ijk[-1])] = False
        return BoxMask.of(inside)
""",
            CLICKED,
            "voxel (27, 33, 0) was found, and lost by a positive click on it",
        ),
        (
            "    def predict(self, p):\n        return super().predict(replace(p, box=None))",
            REFUSES,
            "a box: the card does not list it, and the model answers; raise bench.errors.UnsupportedError",
        ),
        (
            """
    def predict(self, p):
        if p.box: raise KeyError('box')
        return super().predict(p)
""",
            REFUSES,
            "a box: KeyError: 'box'; raise bench.errors.UnsupportedError",
        ),
        (
            """
    def predict(self, p):
        return None if p.kinds != {'points'} else self.image.voxels > 120
""",
            REFUSES,
            "a box: ValueError: the model answered with NoneType",
        ),
        (
            """
    def predict(self, p):
        inside = np.zeros(self.image.geometry.shape_ijk, dtype=bool)
        inside[:5] = True
        return super().predict(p) if p.kinds != {'points'} else BoxMask.of(inside)
""",
            TURNED,
            "the same scan with axes permuted and flipped: Dice of both answers 0.",
        ),
        (
            """
    kept = []
    def open(self, image):
        Bad.kept.append(image)
        return super().open(image)
""",
            MEMORY,
            "4 of 4 images are still in memory after their sessions have ended",
        ),
        (
            """
    kept = []
    def open(self, image):
        Bad.kept.append(image.voxels + 1)
        return super().open(image)
""",
            MEMORY,
            "KiB stay in memory of every image of 47 KiB",
        ),
    ],
)
def test_what_may_be_meant_is_a_warning(warned, body, check, detail):
    """What an author may have wanted does not fail; the warning says what was seen and what to do."""
    found = warned(f"from dataclasses import replace\n\nclass Bad(Good):\n{body}\n")
    assert list(found) == ([] if detail is None else [check])
    assert all(detail in text and "\n" not in text for text in found.values())


def test_a_batch_that_only_rounds_otherwise_is_a_warning(warned):
    """One voxel of many that differs in a batch is told, and is no failure."""
    body = """
class Bad(Good):
    def predict(self, p):
        i, j, k = (int(n) for n in p.points_ijk[0])
        inside = super().predict(p).full()
        inside[:, :, k] = True
        return BoxMask.of(inside)

    def predict_many(self, many):
        found = [self.predict(one).full() for one in many]
        found[0][0, 0, 0] = True
        return [BoxMask.of(one) for one in found]
"""
    assert warned(body)[SEVERAL].startswith("a target's mask depends on which others are asked for with it (Dice 0.99")


AUTOMATIC = """
from bench.models.automatic import Automatic

def segment(image):
    return (image.voxels > 120).astype(np.uint8)

def Bad():
    return Automatic(ModelCard('auto', 'd', 'MIT'), {segment}, {{1: ('liver', 'spleen')}})
"""


def test_models_without_prompts_are_told_a_target(found):
    """An automatic model is asked for the targets of its card, and refuses clicks, boxes and other targets."""
    assert found(AUTOMATIC.format(segment="segment")) == {}
    failed = found(AUTOMATIC.format(segment="lambda image: image.voxels[:5] > 0"))
    assert failed[GRID] == (
        "fail",
        "ValueError: the label map is bool of shape (5, 67, 3), expected integers of shape (60, 67, 3)",
    )


def test_slow_models_leave_out_what_does_not_fit(tmp_path):
    """Where an image takes longer than is left, checks that need one more say so; those on the first still run."""
    path = tmp_path / "mine.py"
    body = """
import time

class Bad(Good):
    def open(self, image):
        time.sleep(0.2)
        return super().open(image)
"""
    path.write_text(HEAD + body, encoding="utf-8")
    rows = {row["check"]: row for row in conformance.check(f"{path}:Bad", seconds=0.3)}
    run = [check for check, row in rows.items() if row["result"] == "pass"]
    assert run == [GRID, CLICKED, UNTOUCHED, REFUSES]
    left_out = [row for check, row in rows.items() if check not in run]
    assert {row["result"] for row in left_out} == {"left out"}
    assert all("one more image takes about 0 s; add --all" in row["detail"] for row in left_out)
    everything = conformance.check(f"{path}:Bad", seconds=None)
    assert [row["result"] for row in everything] == ["pass"] * len(ALWAYS)


@pytest.mark.parametrize(("dimensions", "images", "slices"), [("{3}", 7, None), ("{2, 3}", 8, 11), ("{2}", 7, 7)])
def test_few_images_are_opened(tmp_path, monkeypatch, dimensions, images, slices):
    """All checks together open few images and prompt few slices, since a large network needs seconds for each."""
    path = tmp_path / "mine.py"
    body = f"""
class Counted(Good):
    card = ModelCard("c", "d", "MIT", Capabilities(frozenset({dimensions}), frozenset({{"points", "box"}})))
    opened, prompted = [0], [0]

    def open(self, image):
        Counted.opened[0] += 1
        session = Counted()
        session.image, session.seen, session.slices = image, 0, set()
        return session

    def predict(self, prompts):
        found = super().predict(prompts)
        across = int(np.argmin(self.image.geometry.shape_ijk))
        new = set(range(prompts.box[across], prompts.box[across + 3])) - self.slices
        self.slices |= new
        Counted.prompted[0] += len(new)
        return found
"""
    path.write_text(HEAD + body, encoding="utf-8")
    name = f"{path}:Counted"
    made = []
    load = conformance.models.load
    monkeypatch.setattr(conformance.models, "load", lambda *given: made.append(load(*given)) or made[-1])
    conformance.check(name)
    assert made[0].opened == [images]
    assert slices is None or made[0].prompted == [slices]


def test_models_of_boxes_on_slices_are_shown_them(tmp_path):
    """A model whose card lists `boxes` alone gets the large target's box on each of its slices."""
    path = tmp_path / "mine.py"
    body = """
class Boxes(Good):
    card = ModelCard("b", "d", "MIT", Capabilities(frozenset({2, 3}), frozenset({"boxes"})))

    def predict(self, prompts):
        assert prompts.boxes and all(box[5] == box[2] + 1 for box in prompts.boxes)
        if prompts.kinds != {"boxes"}: raise UnsupportedError("boxes only")
        inside = np.zeros(self.image.geometry.shape_ijk, dtype=bool)
        for i0, j0, k0, i1, j1, k1 in prompts.boxes: inside[i0:i1, j0:j1, k0:k1] = True
        return BoxMask.of(inside)
"""
    path.write_text(HEAD + body, encoding="utf-8")
    assert {row["result"] for row in conformance.check(f"{path}:Boxes")} == {"pass"}


def test_a_model_that_cannot_be_made_is_wrong_usage():
    """A name that nothing answers to is no failed check."""
    with pytest.raises(UsageError, match="unknown model"):
        conformance.check("nobody")


def test_the_callers_objects_are_thawed_again():
    """What was frozen for the check can be collected after it."""
    before = gc.get_freeze_count()
    conformance.check("region-growing")
    assert gc.get_freeze_count() == before == 0
