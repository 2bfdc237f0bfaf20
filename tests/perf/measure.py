"""What the scripts beside it share: CPU and wall time of a call, isal's own time, peak memory, and tables."""

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from isal import igzip, isal_zlib

ROOT = Path(__file__).resolve().parents[2]
REPORTS = ROOT / "reports" / "perf"
_BLOCK_BYTES = 1 << 20
_LEVEL = 2
"""The level of isal at which a store is written."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds that a call took."""

    cpu: float
    """User and system time of this process and of those that it started and that have ended."""
    wall: float

    def __add__(self, other: "Cost") -> "Cost":
        """Return the cost of both."""
        return Cost(self.cpu + other.cpu, self.wall + other.wall)


def cost(call: Callable[[], object]) -> Cost:
    """Time one call."""
    cpu, wall = _cpu_seconds(), time.perf_counter()
    call()
    return Cost(_cpu_seconds() - cpu, time.perf_counter() - wall)


def interleaved(
    calls: dict[str, Callable[[], object]], rounds: int, after: Callable[[], object] | None = None
) -> dict[str, list[Cost]]:
    """Time several calls in turn, `rounds` times after one unmeasured round; after each comes `after`, untimed."""
    costs: dict[str, list[Cost]] = {name: [] for name in calls}
    for number in range(rounds + 1):
        for name, call in calls.items():
            taken = cost(call)
            if after is not None:
                after()
            if number:
                costs[name].append(taken)
    return costs


def median_cpu(costs: Sequence[Cost]) -> float:
    """Return the median CPU time."""
    return statistics.median(one.cpu for one in costs)


def median_wall(costs: Sequence[Cost]) -> float:
    """Return the median wall time."""
    return statistics.median(one.wall for one in costs)


def ratios(over: Sequence[Cost], under: Sequence[Cost], attribute: str = "cpu") -> str:
    """Return the median ratio of times that were taken in turn, with its range."""
    each = [getattr(a, attribute) / getattr(b, attribute) for a, b in zip(over, under, strict=True)]
    return f"{statistics.median(each):.2f} ({min(each):.2f} to {max(each):.2f})"


def inflate(path: Path) -> np.ndarray:
    """Read and decompress a gzip file by isal, block by block into memory of the right size; return its bytes."""
    content = path.read_bytes()
    out = np.empty(int.from_bytes(content[-4:], "little"), dtype=np.uint8)
    left = memoryview(out)
    with igzip.open(path) as stream:
        while left:
            left = left[stream.readinto(left[:_BLOCK_BYTES]) :]
    return out


def deflate(content: np.ndarray, path: Path) -> None:
    """Compress bytes by isal at the level of a store, block by block, and write them."""
    packer = isal_zlib.compressobj(_LEVEL, wbits=31)
    with path.open("wb") as stream:
        for start in range(0, content.size, _BLOCK_BYTES):
            stream.write(packer.compress(content[start : start + _BLOCK_BYTES].data))
        stream.write(packer.flush())


def peak_bytes(code: str, *arguments: str) -> int:
    """Run Python code in a process of its own; return what it prints last, a number of bytes."""
    command = [sys.executable, "-c", code, *arguments]
    printed = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout
    return int(printed.split()[-1])


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(str(cell) for cell in line)} |\n" for line in lines)


def _cpu_seconds() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)
