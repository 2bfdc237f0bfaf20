"""Steps at which the protocol shows nothing: the model is not asked, and the standing prediction is scored."""

import numpy as np
import pytest

from bench.schema import FURTHER, SCORED
from curate.labelmap import BoxMask

SCORES = [column.name for column in (*SCORED, *FURTHER)]


def second_is_right(number, reference):
    """Answer with the whole image first, then with the reference."""
    return BoxMask.of(np.ones(reference.shape_ijk, dtype=bool)) if number == 1 else reference


@pytest.fixture
def rows(asking, evaluated, counting):
    """Return rows by (mask, step) and the model, after clicks that stop at a Dice of 0.9."""
    model = counting(second_is_right)
    found = evaluated(model, asking("ritm", stop_at_dice=0.9, score_after=[1, 2, 4, 9]))
    return {(row["mask_id"], row["step"]): row for row in found}, model


def test_a_content_user_does_not_ask_again(rows):
    """The second answer is right, so each of three targets is asked for twice in nine steps."""
    found, model = rows
    assert [len(calls) for calls in model.asked.values()] == [2, 2, 2]
    assert {row["status"] for row in found.values()} == {"ok"}


def test_later_steps_repeat_the_scores_and_say_why(rows):
    """Points, actions and scores of steps 4 and 9 are those of step 2; they have no time, and words for it."""
    found, _ = rows
    for (mask_id, step), row in found.items():
        if step > 2:
            before = found[mask_id, 2]
            assert [row[name] for name in SCORES] == [before[name] for name in SCORES]
            assert (row["n_points"], row["n_actions"], row["dice"]) == (2, 2, 1.0)
            assert row["seconds_predict"] is None
            assert row["detail"] == "nothing further was shown; the prediction of step 2 stands"
        else:
            assert row["seconds_predict"] > 0
            assert row["detail"] is None


def test_a_prediction_between_scored_steps_stands_too(asking, evaluated, counting):
    """With steps 1 and 4 scored, step 4 has the scores of the answer at step 2."""
    rows = evaluated(counting(second_is_right), asking("ritm", stop_at_dice=0.9, score_after=[1, 4]))
    last = [row for row in rows if row["step"] == 4]
    assert {(row["dice"], row["n_points"], row["detail"]) for row in last} == {
        (1.0, 2, "nothing further was shown; the prediction of step 2 stands")
    }


def test_a_first_step_without_prompts_is_asked(asking, evaluated, counting):
    """Where the user never shows anything, the model is asked all the same."""
    model = counting(lambda _number, reference: reference)
    model.card = model.card.__class__(
        "told", "told", "MIT", model.card.capabilities.__class__(prompts=frozenset({"target"}))
    )
    rows = evaluated(model, asking("automatic"))
    assert {(row["dice"], row["detail"]) for row in rows} == {(1.0, None)}
    assert [len(calls) for calls in model.asked.values()] == [1, 1, 1]


def test_the_standing_prediction_is_kept_at_every_scored_step(asking, evaluated, counting):
    """What is handed on for keeping at steps 4 and 9 equals that of step 2, so that all rows can be scored again."""
    kept = {}
    evaluated(
        counting(second_is_right),
        asking("ritm", stop_at_dice=0.9, score_after=[1, 2, 4, 9]),
        keep=lambda _unit, step, found, shown, _seed: kept.update({step: (found, shown)}),
    )
    assert list(kept) == [1, 2, 4, 9]
    for step in (4, 9):
        for mask_id, mask in kept[2][0].items():
            assert (kept[step][0][mask_id].full() == mask.full()).all()
            assert kept[step][1][mask_id].points_ijk.tolist() == kept[2][1][mask_id].points_ijk.tolist()
