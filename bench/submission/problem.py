"""What a check says, and what stops a file from being read at all."""

from dataclasses import dataclass
from typing import Literal

from curate.errors import MedseenError

Result = Literal["pass", "fail", "not checked"]
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Check:
    """One line of `bench validate`."""

    name: str
    result: Result
    found: str
    """What was found, in one line."""
    fix: str | None = None
    """What to do about a failure, or what would let the check be made."""


class SubmissionError(MedseenError):
    """A file that cannot be read as a submission.

    Attributes:
        check: The check that it fails.
        fix: What to do.
    """

    def __init__(self, check: str, found: str, fix: str) -> None:
        super().__init__(f"{found}; {fix}")
        self.check, self.found, self.fix = check, found, fix


def passed(name: str, found: str) -> Check:
    """Return a check that holds."""
    return Check(name, "pass", found)


def failed(name: str, found: str, fix: str) -> Check:
    """Return a check that does not hold."""
    return Check(name, "fail", found, fix)


def skipped(name: str, found: str, fix: str | None = None) -> Check:
    """Return a check that could not be made."""
    return Check(name, "not checked", found, fix)


def quoted(text: object) -> str:
    """Return a stranger's text, shortened, with whatever a terminal would not print spelt out."""
    shown = repr(str(text))
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}...'"
