"""How much the short form of SAM-Med3D's windowed blocks saves over the padded form, both in one run.

Run as `python tests/perf/bench_sam_med3d_encoder.py [OUT.md]`; takes about two minutes on two cores.
"""

import runpy
import statistics
import sys
import time
from pathlib import Path

import torch

from bench.golden import golden_weight
from bench.models.sam_med3d.image_encoder import ImageEncoder
from curate.files import write_bytes

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 5
THREADS = 2


def main(out: Path) -> None:
    """Time both forms in turn, `ROUNDS` times each after one unmeasured round, and write Markdown tables."""
    torch.set_num_threads(THREADS)
    short, plain = _encoder(), _encoder()
    runpy.run_path(str(ROOT / "tests" / "bench" / "models" / "sam_med3d_padded.py"))["use_padded_form"](plain)
    cube = torch.randn(1, 1, 128, 128, 128, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        answers = {"short": short(cube), "padded": plain(cube)}
        pairs = [(_seconds(short, cube), _seconds(plain, cube)) for _ in range(ROUNDS)]
        del plain
        answers["float64"] = short.double()(cube.double())
    write_bytes(out, _page(pairs, answers).encode())


def _encoder() -> ImageEncoder:
    encoder = ImageEncoder().eval()
    state = encoder.state_dict()
    encoder.load_state_dict({key: torch.from_numpy(golden_weight(key, tuple(state[key].shape))) for key in state})
    return encoder


def _seconds(encoder: ImageEncoder, cube: torch.Tensor) -> float:
    start = time.process_time()
    encoder(cube)
    return time.process_time() - start


def _page(pairs: list[tuple[float, float]], answers: dict[str, torch.Tensor]) -> str:
    short, plain = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratios = [b / a for a, b in pairs]
    compared = [("short", "padded"), ("short", "float64"), ("padded", "float64")]
    return (
        "# SAM-Med3D image encoder: short form against padded form\n\n"
        f"One cube of 128 voxels a side, float32, golden weights, {THREADS} threads, the two forms in turn, in one\n"
        "process. Padded: eight blocks attend over 2744 tokens, as the published code does. Short: 512 and one\n"
        "virtual key, the same function. CPU seconds, both threads together. Written by\n"
        "`tests/perf/bench_sam_med3d_encoder.py`.\n\n"
        "| n | short, median | padded, median | padded / short, median (range) |\n"
        "|---|---|---|---|\n"
        f"| {len(pairs)} | {short:.2f} | {plain:.2f} | {statistics.median(ratios):.1f} "
        f"({min(ratios):.1f} to {max(ratios):.1f}) |\n\n"
        "Differences of one embedding: absolute, and relative to the largest value of the second (as the errors of\n"
        "golden files). float64 is the short form computed in double precision.\n\n"
        "| compared | max difference | relative |\n|---|---|---|\n"
        + "".join(_difference(a, b, answers) for a, b in compared)
        + "\nfloat32 alone puts the padded form as far from float64 as the last line says; no other\n"
        "form of the same function can be expected nearer to it than that.\n"
    )


def _difference(one: str, other: str, answers: dict[str, torch.Tensor]) -> str:
    found, expected = answers[one].double(), answers[other].double()
    largest = float((found - expected).abs().max())
    return f"| {one} and {other} | {largest:.1e} | {largest / max(1.0, float(expected.abs().max())):.1e} |\n"


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "reports" / "perf" / "sam_med3d_encoder.md")
