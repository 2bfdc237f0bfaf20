"""What a run does about rows that are there and about masks that fail."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from curate.errors import UsageError

FAILURES = frozenset({"failed", "timeout", "out_of_memory"})
"""Statuses that count against the model. `unsupported` and `not_applicable` are no failures."""

_FEWEST_MASKS = 20
"""So many finished masks are needed before a share of them says anything."""


@dataclass(frozen=True, slots=True)
class OnFailure:
    """When failures end a run: `record` never, `stop` at the first, `N%` above that share of the finished masks."""

    words: str = "record"

    def __post_init__(self) -> None:
        """Refuse anything but the three forms."""
        if self.words not in ("record", "stop") and self._percent() is None:
            raise UsageError(f"--on-failure {self.words}: give record, stop, or a share of masks such as 5%")

    @property
    def never(self) -> bool:
        """Whether no failure ends the run."""
        return self.words == "record"

    def reason(self, finished: int, failed: int, latest: Mapping[str, Any] | None) -> str | None:
        """Say why a run ends now; None where it goes on.

        Args:
            finished: Masks that have all their rows.
            failed: Those of them that failed.
            latest: The row of a failure among the newest rows, if there is one.
        """
        percent = self._percent()
        if self.words == "stop" and latest is not None:
            return f"stopped at {latest['mask_id']}: {latest['status']}, {latest['detail']}"
        if percent is not None and finished >= _FEWEST_MASKS and 100 * failed > percent * finished:
            return f"stopped: {failed} of {finished} masks failed, more than {self.words}"
        return None

    def _percent(self) -> float | None:
        number, sign, rest = self.words.partition("%")
        try:
            percent = float(number)
        except ValueError:
            return None
        return percent if sign and not rest and 0 <= percent <= 100 else None


@dataclass(frozen=True, slots=True)
class Policy:
    """What a run does about rows that are there, about failures, and about a model that does not answer.

    Raises:
        UsageError: For a time limit that is no positive number.
    """

    resume: Literal["missing", "never", "always"] = "missing"
    """missing: keep the rows that are there; never: start again; always: keep them even if the run was started with
    another store, model or version."""
    retry_failed: bool = False
    """Take masks whose rows have a status of `FAILURES` for missing."""
    on_failure: OnFailure = field(default_factory=OnFailure)
    timeout_seconds: float | None = None
    """For each call of the model; None for no limit. With a limit, the model runs in a process of its own."""

    def __post_init__(self) -> None:
        """Refuse a limit that no call could keep."""
        if self.timeout_seconds is not None and not 0 < self.timeout_seconds < float("inf"):
            raise UsageError(f"--timeout {self.timeout_seconds:g}: give the seconds of one call, such as 60")


def failed_masks(rows: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the masks that have a row with a status of `FAILURES`."""
    return {row["mask_id"] for row in rows if row["status"] in FAILURES}
