"""What all formats share: the selection, the folder, the licences, and the account of what was left out."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from tqdm import tqdm

from curate import manifest
from curate.errors import UsageError
from curate.exporters import folder
from curate.exporters.content import StoredCase, StoredImage, StoredMask, read_cases
from curate.exporters.report import ExportReport, LeftOut, write_csv, write_rejections
from curate.exporters.selection import Selection, check
from curate.files import sha256_of_file
from curate.geometry import Geometry
from curate.labelmap import BoxMask
from curate.tables import tool_version
from curate.volume import Volume, write, write_mask

LICENCES = "LICENCES.csv"
REJECTIONS = "export_rejections.csv"
_LICENCE_COLUMNS = (
    *("dataset", "title", "licence", "licence_evidence", "citation", "homepage"),
    *("source", "annotation", "images", "masks"),
)


@dataclass(slots=True)
class Export:
    """One export on its way: what to read, where to write, and what happened so far."""

    store: Path
    out: Path
    """Where the export will lie."""
    folder: Path
    """Where its files are written now."""
    selection: Selection
    datasets: tuple[str, ...]
    """Chosen datasets, sorted."""
    files: int = 0
    notes: list[str] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    _counts: dict[str, Counter[str]] = field(default_factory=dict)
    _claims: dict[str, str] = field(default_factory=dict)

    def cases(self) -> Iterator[StoredCase]:
        """Yield the chosen cases of all datasets, one at a time, with a progress bar."""
        for dataset in self.datasets:
            cases = read_cases(self.store, dataset, self.selection)
            yield from tqdm(cases, desc=dataset, unit="case", disable=None)

    def link(self, source: str, destination: str) -> None:
        """Put a file of the store into the export, as a hard link where possible; paths are relative to each."""
        folder.link(self.store / source, self.folder / destination)
        self.files += 1

    def relink(self, source: str, destination: str) -> None:
        """Put a file of the export at a second place in it."""
        folder.link(self.folder / source, self.folder / destination)
        self.files += 1

    def write(self, volume: Volume, destination: str) -> None:
        """Write an image or label map, path relative to the export."""
        write(volume, self.folder / destination)
        self.files += 1

    def write_mask(self, mask: BoxMask, geometry: Geometry, destination: str) -> None:
        """Write a mask as a label map of 0 and 1, path relative to the export."""
        write_mask(mask, geometry, self.folder / destination)
        self.files += 1

    def claim(self, name: str, owner: str) -> str:
        """Return `name` after noting whose it is.

        Raises:
            UsageError: When it already is another's.
        """
        other = self._claims.setdefault(name, owner)
        if other != owner:
            raise UsageError(f"{owner} and {other} would both be called {name}; export them apart, with --datasets")
        return name

    def done(self, case: StoredCase, *, images: int, masks: int) -> None:
        """Count a case that is in the export."""
        self._counts.setdefault(case.dataset, Counter()).update(cases=1, images=images, masks=masks)

    def reject(
        self,
        case: StoredCase,
        code: str,
        detail: str,
        *,
        image: StoredImage | None = None,
        mask: StoredMask | None = None,
        effect: Literal["left_out", "changed"] = "left_out",
    ) -> None:
        """Note what of a case is not in the export, or not whole."""
        image_id, target = image.image_id if image else "", mask.target if mask else ""
        self.left_out.append(LeftOut(case.dataset, case.case_id, image_id, target, code, effect, detail))

    def report(self, name: str) -> ExportReport:
        """Return the account so far."""
        totals = sum(self._counts.values(), Counter[str]())
        codes = Counter(row.code for row in self.left_out if row.effect == "left_out")
        return ExportReport(
            name,
            totals["cases"],
            totals["images"],
            totals["masks"],
            self.files,
            dict(sorted(codes.items())),
            tuple(self.notes),
        )

    def licences(self) -> list[dict[str, Any]]:
        """Return the facts of every dataset that is in the export, with the numbers of its images and masks there."""
        rows = [row for row in manifest.read_datasets(self.store) if row["dataset"] in self._counts]
        return [row | {name: self._counts[row["dataset"]][name] for name in ("images", "masks")} for row in rows]


def run(name: str, store: Path, out: Path, selection: Selection, fill: Callable[[Export], None]) -> ExportReport:
    """Run one export: prepare the folder, let `fill` write the format, add licences and the account of what is missing.

    Args:
        name: Name of the format.
        store: Root of a finished store.
        out: Folder of the export. The same export there already is left as it is.
        selection: What to export.
        fill: Writes the format's own files below `Export.folder`, calling `done` for every case that it writes.

    Raises:
        UsageError: When store, folder or selection cannot be meant, or nothing could be exported.
    """
    store, out = store.absolute(), out.absolute()
    if out.resolve().is_relative_to(store.resolve()):
        raise UsageError(f"{out}: lies inside the store; give another folder with --out")
    content = manifest.read_store(store)
    basis = {
        "format": name,
        "selection": asdict(selection),
        "store_sha256": sha256_of_file(store / manifest.STORE_PATH),
        "medseen_version": tool_version(),
    }
    mark = folder.finished(out, basis)
    if mark is not None:
        return ExportReport(**mark["report"] | {"notes": tuple(mark["report"]["notes"])})
    check(selection, store)
    datasets = tuple(one for one in manifest.dataset_names(content) if selection.takes_dataset(one))
    with folder.filling(out) as part:
        export = Export(store, out, part, selection, datasets)
        fill(export)
        report = export.report(name)
        if not report.images:
            raise UsageError(_nothing(export))
        write_csv(part / LICENCES, _LICENCE_COLUMNS, export.licences())
        write_rejections(part / REJECTIONS, export.left_out)
    folder.finish(out, {"basis": basis, "report": asdict(report)})
    return report


def _nothing(export: Export) -> str:
    """Say why an export would be empty."""
    if not export.left_out:
        return "nothing to export: no mask is chosen by all of --datasets, --targets, --modalities and --splits"
    code, count = Counter(row.code for row in export.left_out).most_common(1)[0]
    first = next(row for row in export.left_out if row.code == code)
    where = first.image_id or f"{first.dataset}/{first.case_id}"
    return f"nothing to export: {code} for {count} of {len(export.left_out)} left out, such as {where} ({first.detail})"
