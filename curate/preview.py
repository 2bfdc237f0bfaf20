"""What a build will find, from file names and headers alone."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tqdm import tqdm

from curate import executor, scan, source_files, structures
from curate.errors import ReadError
from curate.executor import Where
from curate.matching import annotates
from curate.opening import OpenImage, open_images
from curate.piece import Ledger
from curate.pipeline import OF_PICTURES, Source, failed, unexpected
from curate.profile import Profile
from curate.readers.header import Header
from curate.recipe import LabelFiles, Recipe
from curate.rejections import NO_FAULT
from curate.scan import Case
from curate.source_tree import SourceTree


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
    tree: SourceTree


def preview(source: Source, profile: Profile, where: Where) -> Preview:
    """Scan one source tree: match names, read headers, compare with what the recipe expects.

    Raises:
        UsageError: For a missing source folder, or a scheduler that does not answer.
    """
    executor.check(where)
    recipe = source.recipe
    found = scan.find(recipe, SourceTree(source.raw, source.roots))
    rows = [rejection.row() for rejection in found.rejections]
    by_name = Counter(row["code"] for row in rows)
    images = label_files = 0
    tasks = [_Task(case, recipe, profile, source.tree) for case in found.cases]
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
    ledger = Ledger(task.case, task.recipe)
    images = open_images(task.case, task.recipe, task.profile, task.tree, ledger)
    usable = 0
    for file in task.case.labels:
        entry = task.recipe.labels[file.entry]
        wanted = [image for image in images if annotates(entry, task.recipe.images[image.file.entry])]
        if not wanted:
            ledger.reject("check", "image_rejected", "its image was rejected; see that row", source_path=file.path)
            continue
        try:
            if entry.is_structured:
                structures.wanted(task.tree.locate(file.path), entry)
                usable += 1
                continue
            header = source_files.header(task.tree.locate(file.path), entry)
        except ReadError as error:
            ledger.reject("label", error.code, str(error), source_path=file.path)
            continue
        misfits = [image for image in wanted if not _fits(header, image, entry)]
        for image in misfits:
            detail = f"label grid {header.canonical} differs from image grid {image.grid}"
            ledger.reject("check", "grid_mismatch", detail, image_id=image.image_id, source_path=file.path)
        usable += len(misfits) < len(wanted)
    return len(images), usable, ledger.piece.rejections


def _fits(label: Header, image: OpenImage, entry: LabelFiles) -> bool:
    """Tell whether labels can be brought onto an image's grid, as the recipe allows."""
    if image.grid.same_grid(label.canonical):
        return True
    if entry.on_grid_mismatch == "image":
        return label.geometry.shape_ijk == image.header.geometry.shape_ijk
    return entry.on_grid_mismatch == "resample" and "pixel" not in {label.unit, image.grid.unit}


def _surprises(recipe: Recipe, cases: int, by_name: Counter[str], codes: Counter[str]) -> list[str]:
    """Compare what names decide exactly, and what headers decide from one side: voxels may add to it."""
    lines = unexpected(recipe, {"cases": cases}, {})
    lines = [line for line in lines if line.startswith("cases")]
    of_pictures = OF_PICTURES if codes["profile_needs_volume"] else ()
    for code in sorted(codes.keys() - set(of_pictures) - (NO_FAULT - recipe.expect.rejections.keys())):
        expected = recipe.expect.rejections.get(code, 0)
        if codes[code] > expected or (by_name[code] and by_name[code] < expected):
            lines.append(f"{code}: found {codes[code]}, the recipe expects {expected}")
    return lines
