"""What a supervised model's process answers: a value, or an error that is the same row wherever it was raised."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench import devices
from bench.answers import MODEL_ERRORS, is_out_of_memory
from bench.errors import UnsupportedError
from curate.errors import UsageError

_BASES: tuple[type[Exception], ...] = (UnsupportedError, UsageError, TimeoutError, MemoryError)


@dataclass(frozen=True, slots=True)
class Raised:
    """An error in words: whatever a model raises crosses to another process, though its class may not."""

    base: type[Exception]
    name: str
    text: str

    @classmethod
    def of(cls, error: BaseException) -> "Raised":
        """Take down an error."""
        base = next((one for one in _BASES if isinstance(error, one)), Exception)
        return cls(MemoryError if is_out_of_memory(error) else base, type(error).__name__, str(error))

    def error(self) -> Exception:
        """Return an error of the same name, text and meaning."""
        named: type[Exception] = type(self.name, (self.base,), {})
        return named(self.text)


def guarded(call: Callable[[], Any]) -> Any:
    """Return what a call gives, or what it raised; after an error for want of memory, unused memory is freed."""
    try:
        return call()
    except MODEL_ERRORS as error:
        raised = Raised.of(error)
    if raised.base is MemoryError:
        devices.free_memory()
    return raised
