import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from curate.readers.quiet import quiet


def say(text):
    """Print as a C library does, past Python's own streams."""
    os.write(2, text.encode())


def free_descriptor():
    """Return the lowest file descriptor that is free: it rises when some are leaked."""
    descriptor = os.dup(2)
    os.close(descriptor)
    return descriptor


def fail_quietly():
    """Print and raise inside the block."""
    with quiet():
        say("inside")
        raise RuntimeError("damaged")


def test_only_the_inside_is_silent(capfd):
    """What is printed before and after the block arrives; what is printed inside, or in a block inside it, does not."""
    say("before ")
    with quiet():
        say("inside")
        with quiet():
            say("deeper")
        say("inside")
    say("after")
    assert capfd.readouterr().err == "before after"


def test_an_error_gives_the_terminal_back(capfd):
    """After an error in the block, stderr is what it was."""
    with pytest.raises(RuntimeError, match="damaged"):
        fail_quietly()
    say("after")
    assert capfd.readouterr().err == "after"


def test_threads_give_the_terminal_back(capfd):
    """Many threads that enter and leave at once neither print nor leave stderr closed, nor leak descriptors."""

    def work(_):
        with quiet():
            say("inside")

    before = free_descriptor()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(200)))
    say("after")
    assert capfd.readouterr().err == "after"
    assert free_descriptor() == before
