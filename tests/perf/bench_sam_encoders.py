"""How much the short form of the 2D image encoders saves over the published, padded form, both in one run.

Run as `python tests/perf/bench_sam_encoders.py [OUT.md]`; takes more than five minutes on two cores.
"""

import runpy
import sys
from pathlib import Path

import torch
from measure import REPORTS, ROOT, interleaved, median_cpu, peak_bytes, ratios, table

from bench.golden import golden_weight
from bench.models.sam.golden import fill_golden
from bench.models.sam.network import SamNetwork
from bench.models.sam.network import unfilled_network as sam
from bench.models.sam_med2d.network import unfilled_network as sam_med2d
from curate.files import write_bytes

THREADS = 1
"""So that other work on the machine does not count as waiting threads."""
ROUNDS = {256: 5, 1024: 2}
"""By the side of the picture."""
NETWORKS = {
    "SAM ViT-B, 256 px": lambda: sam_med2d(adapters=False),
    "SAM-Med2D, 256 px": sam_med2d,
    "SAM ViT-B, 1024 px": sam,
}
PEAK = "import bench_sam_encoders as b, sys; print(b.peak(sys.argv[1], sys.argv[2]))"


def main(out: Path) -> None:
    """Time both forms of each encoder in turn and write a Markdown table."""
    torch.set_num_threads(THREADS)
    with torch.inference_mode():
        rows = [_row(name) for name in NETWORKS]
    text = (
        "# 2D image encoders: short form against padded form\n\n"
        f"One picture, float32, {THREADS} thread, the two forms in turn, in one process.\n"
        "Padded: windows of 14 x 14 on a grid padded with zeros, and every product of queries and keys in memory, as\n"
        "the published code does. Short: cut windows with one virtual key, fused attention, some rows at a time; the\n"
        "same function. SAM-UNet's encoder has the blocks of SAM ViT-B at 256 pixels. Peak memory is that of a\n"
        "process of its own beyond its network. Written by `tests/perf/bench_sam_encoders.py`.\n\n"
    )
    columns = [
        "encoder",
        "n",
        "short CPU s",
        "padded CPU s",
        "padded / short, CPU (range)",
        "padded / short, wall (range)",
    ]
    columns += ["short peak MB", "padded peak MB", "max difference", "largest output"]
    write_bytes(out, (text + table(columns, rows)).encode())


def peak(name: str, form: str) -> int:
    """Return the bytes by which one encoding raises this process's peak memory."""
    torch.set_num_threads(THREADS)
    network = _network(name)
    if form == "padded":
        _use_padded(network)
    picture = _picture(network)
    Path("/proc/self/clear_refs").write_text("5")  # Linux: forget the peak so far
    before = _peak_kib()
    with torch.inference_mode():
        network.encode(picture)
    return 1024 * (_peak_kib() - before)


def _peak_kib() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def _row(name: str) -> list[object]:
    short, plain = _network(name), _network(name)
    _use_padded(plain)
    picture = _picture(short)
    given: dict[str, torch.Tensor] = {}
    calls = {
        "short": lambda: given.update(short=short.encode(picture)),
        "padded": lambda: given.update(padded=plain.encode(picture)),
    }
    costs = interleaved(calls, ROUNDS[short.side])
    both = costs["padded"], costs["short"]
    difference, largest = float((given["short"] - given["padded"]).abs().max()), float(given["padded"].abs().max())
    return [
        name,
        ROUNDS[short.side],
        f"{median_cpu(costs['short']):.2f}",
        f"{median_cpu(costs['padded']):.2f}",
        ratios(*both),
        ratios(*both, "wall"),
        *(round(_peak_elsewhere(name, form) / 1e6) for form in ("short", "padded")),
        f"{difference:.1e}",
        f"{largest:.1f}",
    ]


def _network(name: str) -> SamNetwork:
    network = NETWORKS[name]()
    fill_golden(network, golden_weight)
    return network


def _picture(network: SamNetwork) -> torch.Tensor:
    return torch.randn(1, 3, network.side, network.side, generator=torch.Generator().manual_seed(0))


def _use_padded(network: SamNetwork) -> None:
    plain = runpy.run_path(str(ROOT / "tests" / "bench" / "models" / "sam_padded.py"))
    plain["use_padded_form"](network.image_encoder)


def _peak_elsewhere(name: str, form: str) -> int:
    return peak_bytes(f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); {PEAK}", name, form)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else REPORTS / "sam_encoders.md")
