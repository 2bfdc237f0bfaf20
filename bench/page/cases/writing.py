"""Write the pages of a board's cases, and say which page is whose."""

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tqdm import tqdm

from bench import predictions
from bench.finished import FinishedRun
from bench.page import niivue
from bench.page.cases.choosing import PLACES, Chosen, choose
from bench.page.cases.page import render
from bench.page.cases.reading import read_case
from bench.suite import Suite, Unit, units_of
from curate.errors import ReadError, StoreError
from curate.files import sha256_of_file, write_bytes
from curate.manifest import STORE_PATH

_FOLDER, _ASSETS = "cases", "assets"
_DIGEST_LENGTH = 16


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the voxels of cases come from."""

    runs: Sequence[Path]
    """Folders of the runs, of all boards."""
    store: Path | None = None
    """Where the store lies now; None: where each run found it."""
    is_required: bool = False
    """False: where predictions or store are missing, there are no pages; True: that is an error."""


@dataclass(frozen=True, slots=True)
class CaseLink:
    """One case in the table of the leaderboard."""

    file: str | None
    """Relative to the leaderboard; None where the case cannot be read."""
    target: str
    dataset: str
    dice: float
    why: str = ""
    """Why there is no page."""


@dataclass(frozen=True, slots=True)
class CaseLinks:
    """The cases of one model; None where it answered no mask."""

    model: str
    best: CaseLink | None
    median: CaseLink | None
    worst: CaseLink | None


def write_cases(group: Sequence[FinishedRun], sources: Sources, out: Path, back: str) -> tuple[CaseLinks, ...]:
    """Write a page for the best, the median and the worst case of every model that kept its predictions.

    Args:
        group: The runs of one board.
        sources: Where runs and store lie.
        out: Folder of the leaderboard.
        back: Page of the board, relative to `out`.

    Returns:
        The cases of each model; empty where there is nothing to draw them from.

    Raises:
        StoreError: Where pages are required and no run kept its predictions, or the store is not there.
    """
    folders = {run.model: folder for run in group if (folder := _folder(run, sources)) and predictions.exist(folder)}
    store = _store(group[0], sources)
    if not folders or store is None:
        if sources.is_required:
            raise StoreError(_lacking(group[0], folders))
        return ()
    kept = [run for run in group if run.model in folders]
    units = {unit.image["image_id"]: unit for unit in units_of(_suite(group[0]), store)}
    chosen = choose(kept)
    files = [None, *(_file(group[0], one) for one in chosen), None]
    site = _Site(group, folders, store, out / _FOLDER, f"../{back}")
    links = {
        one.mask_id: site.write(one, units.get(one.image_id), (files[at - 1], str(files[at]), files[at + 1]))
        for at, one in enumerate(tqdm(chosen, desc="cases", unit="case", disable=None), start=1)
    }
    if any(link.file for link in links.values()):
        _copy_viewer(out)
    return tuple(_of_model(run.model, chosen, links) for run in kept)


@dataclass(frozen=True, slots=True)
class _Site:
    """What the pages of one board have in common."""

    group: Sequence[FinishedRun]
    folders: Mapping[str, Path]
    """Model -> folder of its run."""
    store: Path
    out: Path
    back: str

    def write(self, chosen: Chosen, unit: Unit | None, files: tuple[str | None, str, str | None]) -> CaseLink:
        """Write one page, called as the second of `files`, between the other two; what cannot be read is said."""
        link = CaseLink(f"{_FOLDER}/{files[1]}", chosen.target, chosen.dataset, next(iter(chosen.dice.values())))
        if unit is None or chosen.mask_id not in {mask["mask_id"] for mask in unit.masks}:
            return replace(link, file=None, why="the store has no such mask")
        try:
            case = read_case(chosen, unit, self.store, self.folders)
        except ReadError as error:
            return replace(link, file=None, why=str(error))
        write_bytes(self.out / files[1], render(case, self.group, self.back, files[::2]).encode())
        return link


def _of_model(model: str, chosen: Sequence[Chosen], links: Mapping[str, CaseLink]) -> CaseLinks:
    found = {
        place: CaseLink(link.file, link.target, link.dataset, one.dice[model], link.why)
        for one in chosen
        for place in one.places.get(model, ())
        for link in [links[one.mask_id]]
    }
    return CaseLinks(model, *(found.get(place) for place in PLACES))


def _file(run: FinishedRun, chosen: Chosen) -> str:
    """Name a page by what is on it: suite, protocol, store and mask."""
    words = [json.dumps(run.facts.get(what), sort_keys=True) for what in ("suite", "protocol", "store")]
    digest = hashlib.sha256("\n".join([*words, chosen.mask_id]).encode()).hexdigest()
    return f"{digest[:_DIGEST_LENGTH]}.html"


def _folder(run: FinishedRun, sources: Sources) -> Path | None:
    """Find the folder of a run by its name and its record."""
    for folder in sources.runs:
        record = folder / "run.json"
        if folder.name == run.folder and json.loads(record.read_text(encoding="utf-8")) == run.facts:
            return folder
    return None


def _store(run: FinishedRun, sources: Sources) -> Path | None:
    """Return the store that a run ran on; None where it is not there, or another one by now."""
    said = sources.store or run.facts.get("store_path")
    digest = (run.facts.get("store") or {}).get("sha256")
    if said is None or not (Path(said) / STORE_PATH).is_file():
        return None
    return Path(said) if sha256_of_file(Path(said) / STORE_PATH) == digest else None


def _suite(run: FinishedRun) -> Suite:
    return Suite.model_validate(run.facts["suite"]["content"])


def _lacking(run: FinishedRun, folders: Mapping[str, Path]) -> str:
    if not folders:
        return "no run kept its predictions; run again with --keep-predictions, or leave --cases out"
    return f"the store of {run.folder} is not where it was; give it with --store STORE, or leave --cases out"


def _copy_viewer(out: Path) -> None:
    """Put the viewer beside the pages, where this installation has one."""
    script = niivue.vendored()
    if script is not None:
        (out / _ASSETS).mkdir(parents=True, exist_ok=True)
        for path in (script, script.with_name(niivue.LICENCE)):
            shutil.copyfile(path, out / _ASSETS / path.name)
