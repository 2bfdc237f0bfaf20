"""One trial: whatever a model does becomes a row of its own target, and no row is ever missing."""

import time
from dataclasses import replace

import numpy as np
import pytest

from bench import trial
from bench.errors import UnsupportedError
from bench.models.base import Capabilities, ModelCard
from bench.models.reference import Oracle
from bench.schema import MEASURED, SCORED, STATUSES
from bench.suite import plan
from curate.labelmap import BoxMask

STEPS = (1, 3, 5, 10)
NULLED = [column.name for column in (*SCORED, *MEASURED)]


class Model:
    """A model whose session calls a function with (number of the call, prompts, grid)."""

    def __init__(self, answer, capabilities=None, **members):
        self.card = ModelCard("odd", "odd", "MIT", capabilities or Capabilities())
        self.answer, self.members = answer, members
        self.calls = []

    def open(self, image):
        """Return the session; it has the extra members that were asked for."""
        model, shape = self, image.geometry.shape_ijk

        class Session:
            def predict(self, prompts):
                model.calls.append((prompts.key, prompts.points_ijk.tolist()))
                return model.answer(len(model.calls), prompts, shape)

        for name, member in self.members.items():
            setattr(Session, name, member)
        return Session()


def whole(_number, _prompts, shape):
    """Answer with the whole image."""
    return BoxMask.of(np.ones(shape, dtype=bool))


def raising(error):
    """Return an answer that raises."""

    def answer(_number, _prompts, _shape):
        raise error

    return answer


@pytest.fixture(scope="module")
def unit(store, everything):
    """Return the unit with three masks, two of them nested and one across both."""
    return plan(everything, store)[2]


@pytest.fixture
def run(unit, store, everything):
    """Return a function that evaluates a model on the unit and checks that every mask has each step once."""

    def evaluated(model, of=unit, suite=everything, keep=None):
        rows = trial.evaluate(of, suite, model, store, keep)
        found = sorted((row["mask_id"], row["step"]) for row in rows)
        assert found == sorted((mask["mask_id"], step) for mask in of.masks for step in STEPS)
        for row in rows:
            assert row["status"] in STATUSES
            if row["status"] == "ok":
                assert row["detail"] is None
                assert all(row[column.name] is not None for column in MEASURED)
            else:
                assert row["detail"]
                assert [row[name] for name in NULLED] == [None] * len(NULLED)
        return rows

    return evaluated


def told(rows):
    """Return the (status, detail) pairs of some rows as a set."""
    return {(row["status"], row["detail"]) for row in rows}


class Broken(Model):
    """Raises at `open`."""

    def open(self, image):
        """Raise."""
        self.answer(0, None, image.geometry.shape_ijk)


@pytest.mark.parametrize("kind", [Broken, Model])
@pytest.mark.parametrize(
    ("error", "status", "detail"),
    [
        (ValueError("no\n such  thing"), "failed", "ValueError: no such thing"),
        (MemoryError("12 GB"), "out_of_memory", "MemoryError: 12 GB"),
        (type("OutOfMemoryError", (RuntimeError,), {})("CUDA"), "out_of_memory", "OutOfMemoryError: CUDA"),
        (TimeoutError("60 s"), "timeout", "TimeoutError: 60 s"),
        (UnsupportedError("odd takes no\n colour"), "unsupported", "odd takes no colour"),
        (SystemExit(3), "failed", "SystemExit: 3"),
        (RuntimeError("<Thing at 0x7f00aa12>"), "failed", "RuntimeError: <Thing at 0x...>"),
        (RuntimeError("x" * 1000), "failed", "RuntimeError: " + "x" * 286),
        (RuntimeError("\udcff"), "failed", "RuntimeError: ?"),
    ],
)
def test_what_a_model_raises_becomes_a_status(run, kind, error, status, detail):
    """Every row of a model that raises, at `open` or at `predict`, has the error's status and one line of detail."""
    rows = run(kind(raising(error)))
    assert told(rows) == {(status, detail)}
    assert {row["n_points"] for row in rows} == ({0} if kind is Broken else {1})


def test_interrupting_is_not_an_answer(unit, store, everything):
    """Ctrl-C during a prediction stops the run instead of becoming a row."""
    with pytest.raises(KeyboardInterrupt):
        trial.evaluate(unit, everything, Model(raising(KeyboardInterrupt())), store)


def test_an_error_at_a_later_call_is_that_targets_alone(run):
    """The 6th call is the third target's second step: it fails from step 3 on with two points, the others go on."""

    def answer(number, prompts, shape):
        if number == 6:
            raise ZeroDivisionError("sixth")
        return whole(number, prompts, shape)

    model = Model(answer)
    rows = run(model)
    assert len(model.calls) == 3 + 3 + 8 * 2
    bad = [row for row in rows if row["status"] != "ok"]
    assert {(row["mask_id"], row["step"], row["n_points"], row["detail"]) for row in bad} == {
        ("hard/permuted#liver", step, 2, "ZeroDivisionError: sixth") for step in (3, 5, 10)
    }
    healthy = [
        row
        for row in run(Model(whole))
        if (row["mask_id"], row["step"]) not in {(r["mask_id"], r["step"]) for r in bad}
    ]
    assert without_timings([row for row in rows if row["status"] == "ok"]) == without_timings(healthy)


def without_timings(rows):
    """Return rows without the columns that are measured."""
    timings = {column.name for column in MEASURED}
    rows = sorted(rows, key=lambda row: (row["mask_id"], row["step"]))
    return [{name: value for name, value in row.items() if name not in timings} for row in rows]


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (lambda *_: None, r"answered with NoneType, expected a mask of shape (9, 16, 16)"),
        (lambda *_: np.ones((2, 2, 2)), r"answered with ndarray of shape (2, 2, 2), expected a mask"),
        (lambda _n, _p, shape: np.ones((1, *shape), dtype=bool), r"answered with ndarray of shape (1, 9, 16, 16)"),
        (lambda *_: BoxMask.of(np.ones((3, 3, 3), dtype=bool)), r"answered with BoxMask of shape (3, 3, 3)"),
        (lambda _n, _p, shape: np.full(shape, np.nan), "answered with float64 values other than 0 and 1"),
        (
            lambda _n, _p, shape: np.full(shape, 0.4, dtype=np.float32),
            "answered with float32 values other than 0 and 1",
        ),
        (lambda _n, _p, shape: np.full(shape, "x"), "answered with <U1 values"),
        (
            lambda _n, _p, shape: BoxMask(shape, (0, 0, 0, 2, 2, 2), np.ones((3, 2, 2), dtype=bool)),
            "voxels (3, 2, 2), expected",
        ),
        (
            lambda _n, _p, shape: BoxMask(shape, (8, 0, 0, 10, 1, 1), np.ones((2, 1, 1), dtype=bool)),
            "half-open box inside",
        ),
        (
            lambda _n, _p, shape: BoxMask(shape, (-1, 0, 0, 1, 1, 1), np.ones((2, 1, 1), dtype=bool)),
            "half-open box inside",
        ),
        (
            lambda _n, _p, shape: BoxMask(shape, (0, 0, 0, 1, 1, 1), np.full((1, 1, 1), np.nan)),
            "values other than 0 and 1",
        ),
        (lambda _n, _p, shape: BoxMask(shape, (0, 0), np.ones((2, 1, 1), dtype=bool)), "half-open box inside"),
        (lambda _n, _p, shape: BoxMask(shape, (0, 0, 0, 1, 1, 1), None), "half-open box inside"),
    ],
)
def test_answers_that_are_no_mask_fail(run, answer, detail):
    """Whatever is not a mask on the image's grid fails with what was found and what was expected."""
    rows = run(Model(answer))
    assert {row["status"] for row in rows} == {"failed"}
    assert all(detail in row["detail"] for row in rows)


@pytest.mark.parametrize(
    "convert",
    [
        lambda mask: mask,
        lambda mask: mask.full(),
        lambda mask: mask.full().astype(np.uint8) * 255,
        lambda mask: mask.full().astype(np.float32),
        lambda mask: np.asfortranarray(mask.full()),
        lambda mask: BoxMask(list(mask.shape_ijk), (0, 0, 0, *mask.shape_ijk), mask.full()),
        lambda mask: BoxMask(mask.shape_ijk, tuple(np.array(mask.box)), mask.voxels.astype(np.int16)),
    ],
    ids=["box", "bool", "uint8", "float", "fortran", "loose", "integers"],
)
def test_every_form_of_a_mask_scores_alike(run, unit, store, convert):
    """A box mask, tight or loose, and full arrays of booleans, integers or 0.0 and 1.0 are the same answer."""
    references = {target.key: target.reference for target in trial.read_unit(unit, store)[1]}
    rows = run(Model(lambda _number, prompts, _shape: convert(references[prompts.key])))
    assert {(row["dice"], row["nsd"], row["hd95_mm"], row["volume_error"]) for row in rows} == {(1.0, 1.0, 0.0, 0.0)}


@pytest.mark.parametrize(
    "empty", [np.zeros((9, 16, 16)), BoxMask((9, 16, 16), (4, 4, 4, 4, 4, 4), np.zeros((0, 0, 0), bool))]
)
def test_an_empty_answer_is_a_score(run, empty):
    """Finding nothing is an answer: Dice and NSD are 0, distances are null, and the next click is in the target."""
    rows = run(Model(lambda *_: empty))
    assert {(row["status"], row["dice"], row["nsd"], row["hd95_mm"], row["volume_error"]) for row in rows} == {
        ("ok", 0.0, 0.0, None, -1.0)
    }


def test_dimensions_that_a_card_does_not_list_are_unsupported(run):
    """A model of single slices never sees a volume; nothing is replaced silently."""
    model = Model(whole, Capabilities(dimensions=frozenset({2})))
    assert told(run(model)) == {("unsupported", "odd takes no 3D images")}
    assert model.calls == []


def test_volumes_only_models_do_not_get_pictures(run, store, everything):
    """A model of volumes never sees a picture."""
    flat = plan(everything, store)[3]
    assert told(run(Model(whole, Capabilities(dimensions=frozenset({3}))), flat)) == {
        ("unsupported", "odd takes no 2D images")
    }


def test_prompts_that_a_card_does_not_list_are_unsupported(run):
    """A model of boxes never gets clicks."""
    assert told(run(Model(whole, Capabilities(prompts=frozenset({"box"}))))) == {("unsupported", "odd takes no points")}


@pytest.mark.parametrize("many", [raising(RuntimeError("batch")), lambda *_: [], lambda *_: None])
def test_a_batch_that_fails_is_asked_one_by_one(run, many):
    """Where `predict_many` raises or gives too few masks, `predict` gives the rows, also for a single target."""
    model = Model(
        whole,
        predict_many=lambda _session, prompts: many(len(prompts), prompts, None),
    )
    assert without_timings(run(model)) == without_timings(run(Model(whole)))
    assert len(model.calls) == 30


def test_a_single_target_whose_batch_fails_is_asked_alone(run, unit):
    """An image with one target is treated as one with many."""
    alone = replace(unit, masks=unit.masks[:1])

    def many(_self, _prompts):
        raise RuntimeError("batch")

    assert {row["status"] for row in run(Model(whole, predict_many=many), alone)} == {"ok"}


def test_batches_are_used_where_they_work(run):
    """`predict_many` is called once a step with all targets, and `predict` never."""
    sizes = []

    def many(_self, prompts):
        sizes.append(len(prompts))
        return [BoxMask.of(np.ones((9, 16, 16), dtype=bool)) for _ in prompts]

    model = Model(whole, predict_many=many)
    assert without_timings(run(model)) == without_timings(run(Model(whole)))
    assert sizes == [3] * 10
    assert model.calls == []


def test_a_bad_answer_in_a_batch_is_that_targets_alone(run):
    """One mask of a batch on a wrong grid fails its target; the others keep their scores."""

    def many(_self, prompts):
        shapes = [(2, 2, 2) if n == 0 else (9, 16, 16) for n, _ in enumerate(prompts)]
        return [BoxMask.of(np.ones(shape, dtype=bool)) for shape in shapes]

    rows = run(Model(whole, predict_many=many))
    assert {row["mask_id"] for row in rows if row["step"] == 1 and row["status"] == "failed"} == {
        "hard/permuted#kidney"
    }


def test_prompts_that_a_model_changes_do_not_change_the_trial(run):
    """A model that writes into its prompts gets true ones the next time, and the clicks of every other model."""

    def vandal(number, prompts, shape):
        prompts.points_ijk[:] = -7
        prompts.labels[:] = 5
        return whole(number, prompts, shape)

    honest, spoiler = Model(whole), Model(vandal)
    assert without_timings(run(spoiler)) == without_timings(run(honest))
    assert spoiler.calls == honest.calls


def test_prompts_that_a_batch_changes_do_not_change_the_trial(run):
    """The same holds for a model that writes into the prompts of a batch."""
    shown = []

    def many(_self, prompts):
        shown.extend(one.points_ijk.tolist() for one in prompts)
        for one in prompts:
            one.points_ijk[:] = -7
        return [BoxMask.of(np.ones((9, 16, 16), dtype=bool)) for _ in prompts]

    run(Model(whole, predict_many=many))
    assert min(min(point) for points in shown for point in points) >= 0


def test_times_are_those_of_the_target(run):
    """A single answer has its own time; answers of a batch share its time."""

    def slow(_number, prompts, shape):
        time.sleep(0.01 * len(prompts.labels))
        return whole(_number, prompts, shape)

    def many(_self, prompts):
        time.sleep(0.06)
        return [BoxMask.of(np.ones((9, 16, 16), dtype=bool)) for _ in prompts]

    alone = run(Model(slow))
    assert all(0.01 * row["step"] <= row["seconds_predict"] < 0.01 * row["step"] + 0.5 for row in alone)
    together = run(Model(whole, predict_many=many))
    assert min(row["seconds_predict"] for row in together) == pytest.approx(0.02, abs=0.005)


def test_answers_that_a_model_overwrites_later_stay_as_they_were(run):
    """A session that answers from one buffer for all targets gets the scores of its answers, not of the buffer."""
    buffer = np.zeros((9, 16, 16), dtype=bool)

    def cube(_number, prompts, _shape, out):
        out[:] = False
        i, j, k = prompts.points_ijk[-1]
        out[: i + 1, : j + 1, : k + 1] = True
        return BoxMask(out.shape, (0, 0, 0, *out.shape), out)

    reused = run(Model(lambda *asked: cube(*asked, buffer)))
    fresh = run(Model(lambda *asked: cube(*asked, np.zeros_like(buffer))))
    assert without_timings(reused) == without_timings(fresh)


def test_keys_tell_nothing_of_the_target(run):
    """What a model is told is the same for every run, differs by target, and names neither target nor image."""
    model, again = Model(whole), Model(whole)
    run(model)
    run(again)
    keys = {key for key, _ in model.calls}
    assert keys == {key for key, _ in again.calls}
    assert len(keys) == 3
    assert not any(word in key for key in keys for word in ("kidney", "liver", "hard", "permuted"))


def test_clicks_accumulate(run):
    """At each scored step the model has been shown as many points as the step says, and actions equal clicks."""
    rows = run(Model(whole))
    assert all(row["n_points"] == row["n_actions"] == row["step"] for row in rows)


def test_a_target_is_prompted_alike_whichever_targets_are_with_it(run, unit):
    """A mask alone gives the rows that it gives among others."""
    together = without_timings(run(Model(whole)))
    alone = [row for mask in unit.masks for row in without_timings(run(Model(whole), replace(unit, masks=(mask,))))]
    assert alone == together


def test_a_mask_that_is_not_in_its_label_map_is_not_applicable(run, unit):
    """An empty reference cannot be prompted: its rows say so, the other targets are scored."""
    odd = {**unit.masks[0], "label_values": [99]}
    rows = run(Model(whole), replace(unit, masks=(odd, *unit.masks[1:])))
    assert told([row for row in rows if row["mask_id"] == odd["mask_id"]]) == {
        ("not_applicable", "ValueError: the reference is empty: there is no foreground to click")
    }
    assert told([row for row in rows if row["mask_id"] != odd["mask_id"]]) == {("ok", None)}


def test_lost_units_keep_their_masks_in_the_denominator(unit, everything):
    """A unit whose worker died has a row for every mask and step, with the size of the mask from the table."""
    rows = trial.lost(unit, everything, type("KilledWorker", (Exception,), {})("task-8f3 on tcp://10.0.0.1:4242"))
    assert sorted((row["mask_id"], row["step"]) for row in rows) == [
        (mask["mask_id"], step) for mask in unit.masks for step in STEPS
    ]
    assert {row["mask_id"]: row["reference_voxels"] for row in rows} == {m["mask_id"]: m["voxels"] for m in unit.masks}
    assert told(rows) == {
        ("failed", "KilledWorker: the process died while it ran this image: a crash, a kill, or no memory left")
    }


def test_pixel_images_are_scored_in_pixels(run, store, everything):
    """An image without spacing gets distances in pixels and the suite's tolerance for them."""
    rows = run(Oracle(), plan(everything, store)[3])
    assert {(row["distance_unit"], row["tolerance"]) for row in rows} == {("pixel", 2.0)}


def test_predictions_are_kept_at_scored_steps_only(run, unit):
    """What is handed on for keeping are the answers after the scored steps and the clicks so far, by mask."""
    kept = []

    def keep(of, step, found, shown, seed):
        assert found.keys() == shown.keys()
        kept.append((of.image["image_id"], step, sorted(found), {len(one.labels) for one in shown.values()}, seed))

    run(Oracle(), keep=keep)
    names = [mask["mask_id"] for mask in unit.masks]
    assert kept == [("hard/permuted", step, names, {step}, 0) for step in STEPS]
