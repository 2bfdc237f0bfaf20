"""A first recipe for a folder that nobody has described: what can be told from names, headers and a few files."""

import os
import re
import secrets
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from curate.draft import bids, dataset_json, folders
from curate.draft.listing import Listing, read_listing
from curate.draft.plan import Plan
from curate.draft.render import render, unknown_facts
from curate.errors import UsageError
from curate.files import TEMPORARY_PREFIX
from curate.recipe import Recipe
from curate.scan import Found, find
from curate.source_tree import SourceTree

_LAYOUTS: tuple[Callable[[Listing, str], Plan | None], ...] = (dataset_json.plan, bids.plan, folders.plan)
_PAPERS = re.compile(r"(licen[cs]e|readme|citation|copying)[^/]*", re.IGNORECASE)
"""Files that may state licence and citation."""
_SHOWN, _MANY = 4, 12
_ID = re.compile(r"[a-z0-9][a-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class Draft:
    """A recipe to finish."""

    dataset_id: str
    tree: Path
    layout: str
    """What was recognised."""
    toml: str
    notes: tuple[str, ...]
    """What a person must decide, and what the draft finds as it is."""


def draft(tree: Path, dataset_id: str) -> Draft:
    """Look at a folder and return a recipe that already finds its cases; nothing is written.

    Args:
        tree: A dataset as downloaded and unpacked.
        dataset_id: Id of the recipe, which is also what its file is called.

    Raises:
        UsageError: For an id that recipes do not allow, a folder that is none, or one in which no image has a label
            file.
    """
    if not _ID.fullmatch(dataset_id):
        raise UsageError(f"`{dataset_id}` is no dataset id; use small letters, digits, . _ -, as in --id {id_of(tree)}")
    listing = read_listing(tree)
    for layout in _LAYOUTS:
        plan = layout(listing, dataset_id)
        if plan is None:
            continue
        text = render(plan, dataset_id)
        found = find(Recipe.model_validate(tomllib.loads(text)), SourceTree(tree))
        if found.cases:
            return Draft(dataset_id, tree, plan.layout, text, tuple(_notes(plan, listing, found)))
    raise UsageError(
        f"{tree}: no image with a label file was recognised among {len(listing.paths)} files; write a recipe by hand"
    )


def id_of(tree: Path) -> str:
    """Return a dataset id made of a folder's name."""
    return re.sub(r"[^a-z0-9._-]+", "-", tree.resolve().name.lower()).strip("-._") or "dataset"


def write(path: Path, found: Draft) -> None:
    """Write a draft whole or not at all; never over a file, never into the source tree.

    Raises:
        UsageError: When the file is there already, is not called like the dataset, lies in the source tree, or cannot
            be written.
    """
    if path.name != f"{found.dataset_id}.toml":
        raise UsageError(f"{path}: a recipe is called like its dataset; write it to {found.dataset_id}.toml")
    if path.resolve().is_relative_to(found.tree.resolve()):
        raise UsageError(f"{path}: lies in the source tree, which stays as it is; give another place with --out")
    temporary = path.with_name(f"{TEMPORARY_PREFIX}{secrets.token_hex(6)}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_text(found.toml, encoding="utf-8")
            os.link(temporary, path)  # fails where the file is there, as a rename would not
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        if path.exists():
            raise UsageError(f"{path}: is there already; give another place with --out, or remove it") from error
        raise UsageError(f"{path}: cannot be written ({error.strerror})") from error


def _notes(plan: Plan, listing: Listing, found: Found) -> Iterator[str]:
    """Yield counts first, then what is to be decided, in the order of the draft."""
    images = sum(len(case.images) for case in found.cases)
    labels = sum(len(case.labels) for case in found.cases)
    yield (
        f"finds {len(found.cases)} cases, {images} images, {labels} label files; "
        f"rejected: {len(found.rejections)}, not named: {found.unnamed}"
    )
    yield f"supply: {', '.join(unknown_facts(plan.facts))}"
    papers = [path for path in listing.paths if _PAPERS.fullmatch(path.rpartition("/")[2])]
    if papers:
        yield f"read: {', '.join(sorted(papers, key=lambda path: (path.count('/'), path))[:_SHOWN])}"
    yield from plan.notes
    for image in plan.images:
        yield from (f"{image.path}: {text}" for text in image.comments)
    for label in plan.labels:
        yield from (f"{label.path}: {text}" for text in (*label.comments, *label.labels.comments))
        if label.labels.unmapped:
            yield f"{label.path}: no target yet: {_listed([one.key for one in label.labels.unmapped])}"


def _listed(words: Sequence[str]) -> str:
    more = f", ... ({len(words)} in all)" if len(words) > _MANY else ""
    return f"{', '.join(words[:_MANY])}{more}"
