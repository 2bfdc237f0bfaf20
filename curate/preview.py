"""What a build will find, from file names and headers alone."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from curate import executor, readers, scan, structures
from curate.case import CaseBuilder
from curate.errors import ReadError
from curate.executor import Where
from curate.pipeline import OF_PICTURES, Source, failed, unexpected
from curate.profile import Profile
from curate.recipe import Recipe
from curate.scan import Case, annotates


@dataclass(frozen=True, slots=True)
class Preview:
    """What a scan found in one source tree."""

    dataset: str
    named_files: int
    unnamed_files: int
    cases: int
    images: int
    """Images whose headers can be used."""
    label_files: int
    """Label files whose headers can be used."""
    rejections: Mapping[str, int]
    details: Sequence[str]
    """One line per rejection: code, file, what is wrong."""
    surprises: Sequence[str]
    """Where it differs from what the recipe expects, as far as headers can tell."""


@dataclass(frozen=True, slots=True)
class _Task:
    case: Case
    recipe: Recipe
    profile: Profile
    raw: Path


def preview(source: Source, profile: Profile, where: Where) -> Preview:
    """Scan one source tree: match names, read headers, compare with what the recipe expects.

    Raises:
        UsageError: For a missing source folder, or a scheduler that does not answer.
    """
    executor.check(where)
    recipe = source.recipe
    found = scan.find(recipe, source.raw)
    rows = [rejection.row() for rejection in found.rejections]
    by_name = Counter(row["code"] for row in rows)
    images = label_files = 0
    tasks = [_Task(case, recipe, profile, source.raw.absolute()) for case in found.cases]
    results = executor.run(_read_headers, tasks, where)
    for task, result in tqdm(results, total=len(tasks), desc=recipe.dataset.id, unit="case", disable=None):
        if isinstance(result, BaseException):
            rows += [rejection.row() for rejection in failed(task.case, recipe, result)]
            continue
        images += result[0]
        label_files += result[1]
        rows += result[2]
    codes = Counter(row["code"] for row in rows)
    return Preview(
        recipe.dataset.id,
        found.named,
        found.unnamed,
        cases=len(found.cases),
        images=images,
        label_files=label_files,
        rejections=dict(sorted(codes.items())),
        details=sorted(f"{row['code']}: {row['source_path']}: {row['detail']}" for row in rows),
        surprises=_surprises(recipe, len(found.cases), by_name, codes),
    )


def _read_headers(task: _Task) -> tuple[int, int, list[dict[str, object]]]:
    """Return usable images, usable label files and rejections of one case."""
    builder = CaseBuilder(task.case, task.recipe, task.profile, task.raw, task.raw)
    images = builder.open_images()
    usable = 0
    for file in task.case.labels:
        entry = task.recipe.labels[file.entry]
        wanted = [image for image in images if annotates(entry, task.recipe.images[image.file.entry])]
        if not wanted:
            builder.reject("check", "image_rejected", "its image was rejected; see that row", source_path=file.path)
            continue
        try:
            if entry.is_dicom:
                structures.wanted(task.raw / file.path, entry)
                usable += 1
                continue
            header = readers.header(task.raw / file.path)
        except ReadError as error:
            builder.reject("label", error.code, str(error), source_path=file.path)
            continue
        grid = header.geometry if header.unit == "pixel" else header.geometry.canonical()
        misfits = [image for image in wanted if not image.grid.same_grid(grid)]
        for image in misfits:
            detail = f"label grid {grid} differs from image grid {image.grid}"
            builder.reject("check", "grid_mismatch", detail, image_id=image.image_id, source_path=file.path)
        usable += len(misfits) < len(wanted)
    return len(images), usable, builder.piece.rejections


def _surprises(recipe: Recipe, cases: int, by_name: Counter[str], codes: Counter[str]) -> list[str]:
    """Compare what names decide exactly, and what headers decide from one side: voxels may add to it."""
    lines = unexpected(recipe, {"cases": cases}, {})
    lines = [line for line in lines if line.startswith("cases")]
    of_pictures = OF_PICTURES if codes["profile_needs_volume"] else ()
    for code in sorted(codes.keys() - set(of_pictures)):
        expected = recipe.expect.rejections.get(code, 0)
        if codes[code] > expected or (by_name[code] and by_name[code] < expected):
            lines.append(f"{code}: found {codes[code]}, the recipe expects {expected}")
    return lines
