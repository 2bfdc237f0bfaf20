"""A batch for which there is no memory is asked for in halves."""

import numpy as np
import pytest

from bench import answers as asking
from bench.answers import answers
from bench.records import Prompts
from curate.labelmap import BoxMask

SHAPE = (3, 3, 3)
TORCH = type("OutOfMemoryError", (RuntimeError,), {})


class Session:
    """Has memory for some targets at once; `heavy` ones do not even fit alone."""

    def __init__(self, room, error, heavy=()):
        self.room, self.error, self.heavy = room, error, heavy
        self.batches, self.singles = [], []

    def predict_many(self, prompts):
        """Answer, or run out of memory."""
        self.batches.append("".join(one.key for one in prompts))
        if len(prompts) > self.room or any(one.key in self.heavy for one in prompts):
            raise self.error
        return [mask(one) for one in prompts]

    def predict(self, prompts):
        """Answer, or run out of memory."""
        self.singles.append(prompts.key)
        if prompts.key in self.heavy:
            raise self.error
        return mask(prompts)


def mask(prompts):
    """Return a mask that tells the target."""
    inside = np.zeros(SHAPE, dtype=bool)
    inside.flat["abcdefgh".index(prompts.key)] = True
    return BoxMask.of(inside)


@pytest.fixture
def freed(monkeypatch):
    """Return a list that grows whenever memory is freed."""
    times = []
    monkeypatch.setattr(asking.devices, "free_memory", lambda: times.append(None))
    return times


def ask(session, keys):
    """Ask for some targets; return status or key of each."""
    found = answers(session, [Prompts(key) for key in keys], SHAPE)
    return [
        asking.status_of(one.error)[0] if one.error else "abcdefgh"[int(np.flatnonzero(one.mask.full())[0])]
        for one in found
    ]


@pytest.mark.parametrize("error", [MemoryError("RAM"), TORCH("CUDA")])
def test_a_batch_is_halved_until_it_fits(freed, error):
    """Seven targets with room for two: 7, 4, 2, 2, 3, 2, 1, in order; memory is freed after each refusal."""
    session = Session(2, error)
    assert ask(session, "abcdefg") == list("abcdefg")
    assert session.batches == ["abcdefg", "abcd", "ab", "cd", "efg", "ef", "g"]
    assert (session.singles, len(freed)) == ([], 3)


def test_only_what_does_not_fit_alone_is_out_of_memory(freed):
    """A target that fits in no batch and not alone has the status; all others are answered."""
    session = Session(8, TORCH("CUDA"), heavy="c")
    assert ask(session, "abcd") == ["a", "b", "out_of_memory", "d"]
    assert session.batches == ["abcd", "ab", "cd", "c", "d"]
    assert session.singles == ["c"]
    assert len(freed) == 4


def test_another_error_is_not_halved(freed):
    """Any other error of a batch is asked about target by target, and frees nothing."""
    session = Session(0, ValueError("odd"))
    assert ask(session, "abc") == ["a", "b", "c"]
    assert (session.batches, session.singles, freed) == (["abc"], ["a", "b", "c"], [])


def test_a_session_without_batches_is_asked_once_each(freed):
    """Where a model takes one target at a time, a target without memory is recorded at its first try."""
    session = Session(0, MemoryError("RAM"), heavy="b")
    session.predict_many = None
    assert ask(session, "abc") == ["a", "out_of_memory", "c"]
    assert (session.singles, len(freed)) == (["a", "b", "c"], 1)


def test_an_error_in_the_place_of_a_mask_is_that_targets():
    """A batch may answer with an error for one target; the others keep their masks."""

    class Mixed:
        def predict_many(self, prompts):
            return [TimeoutError("late") if one.key == "b" else mask(one) for one in prompts]

    assert ask(Mixed(), "abc") == ["a", "timeout", "c"]
