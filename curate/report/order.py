"""What is not in order in a store: where a reader must look before using any number."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from curate import licences, pipeline, profile, recipe
from curate.errors import UsageError
from curate.profile import Profile
from curate.recipe import Recipe
from curate.report import table
from curate.report.content import Content
from curate.report.table import Column, Table

Kind = Literal["files", "error", "expectation", "images", "recipe", "licence"]
_WORDS: Mapping[Kind, str] = {
    "files": "files of the store are missing",
    "error": "unforeseen error",
    "expectation": "not as the recipe expects",
    "images": "no image in the store",
    "recipe": "recipe not verified, or not known",
    "licence": "licence",
}
_SHOWN = 2000
"""Findings on the page."""
FAULTS: frozenset[Kind] = frozenset({"files", "error", "expectation"})
"""What makes the command end with status 1; the others are facts to know, not faults of the build."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not in order."""

    kind: Kind
    dataset: str | None
    """None for the whole store."""
    detail: str


def known_recipes(content: Content, given: Sequence[str]) -> dict[str, Recipe]:
    """Return the recipes that datasets were built with, as far as they ship or are given.

    Args:
        content: The store, whose datasets table has the hash of each recipe.
        given: Names or paths of recipes that do not ship.

    Raises:
        UsageError: For a recipe that is given and that no dataset of the store was built with.
    """
    rows = {str(row["dataset"]): row for row in content.datasets}
    found: dict[str, Recipe] = {}
    for name in given:
        one = recipe.load(name)
        row = rows.get(one.dataset.id)
        if row is None or row["recipe_sha256"] != one.sha256:
            raise UsageError(f"--recipe {name}: nothing in this store was built with it; leave it out, or build again")
        found[one.dataset.id] = one
    for dataset, row in rows.items():
        shipped = None if dataset in found else _shipped(dataset)
        if shipped is not None and shipped.sha256 == row["recipe_sha256"]:
            found[dataset] = shipped
    return found


def findings(content: Content, recipes: Mapping[str, Recipe]) -> tuple[Finding, ...]:
    """Return everything that is not in order, what needs action first."""
    found = [*_of_store(content)]
    rules = _profile(content)
    codes = _codes(content)
    for row in content.datasets:
        name = str(row["dataset"])
        lines = _surprises(recipes[name], rules, row, codes.get(name, {})) if name in recipes else []
        found += [Finding("expectation", name, line) for line in lines]
        found += _of_dataset(name, int(row["images"]), recipes.get(name), codes.get(name, {}))
        found += _of_licence(name, row["licence"], row["licence_conflict"])
    order = list(_WORDS)
    return tuple(sorted(found, key=lambda one: (order.index(one.kind), one.dataset or "", one.detail)))


def lay_out(found: Sequence[Finding]) -> Table:
    """Lay the findings out, one a row."""
    columns = (Column("kind", "What"), Column("dataset", "Dataset", why="the whole store"), Column("detail", "Found"))
    rows = ({"kind": _WORDS[one.kind], "dataset": one.dataset, "detail": one.detail} for one in found)
    return table.of("not_in_order", "What is not in order", "", columns, rows, _SHOWN)


def expected_codes(recipes: Mapping[str, Recipe]) -> dict[str, Mapping[str, int]]:
    """Return the rejections that each known recipe expects: dataset -> code -> rows."""
    return {name: one.expect.rejections for name, one in recipes.items()}


def _of_store(content: Content) -> Iterator[Finding]:
    if content.missing_files:
        yield Finding("files", None, f"files that are not there: {content.missing_files:,}; `curate verify` names them")


def _of_dataset(name: str, images: int, known: Recipe | None, codes: Mapping[str, int]) -> Iterator[Finding]:
    errors = codes.get("unexpected_error", 0)
    if errors:
        yield Finding("error", name, f"rows of cases that failed in a way that nobody foresaw: {errors:,}")
    if not images:
        causes = sorted(codes.keys() - {"image_rejected"}, key=lambda code: (-codes[code], code))
        why = ", ".join(f"{code} {codes[code]:,}" for code in causes) or "its source has none"
        yield Finding("images", name, f"none of its images is in the store: {why}")
    if known is None:
        text = "no recipe of this name and content ships, so nothing is compared; give it with --recipe FILE"
        yield Finding("recipe", name, text)
        return
    for line in known.dataset.unverified:
        yield Finding("recipe", name, f"not verified: {line}")


def _of_licence(name: str, licence: str, conflict: str | None) -> Iterator[Finding]:
    if conflict is not None:
        yield Finding("licence", name, f"conflict: {licence}, but: {conflict}")
    elif licence == "unclear":
        yield Finding("licence", name, "unclear: none was found")
    elif licences.commercial_use(licence, None) != "yes":
        allowed = "no" if licences.commercial_use(licence, None) == "no" else "unclear"
        yield Finding("licence", name, f"commercial use {allowed}: {licence}")


def _surprises(known: Recipe, rules: Profile | None, row: Mapping[str, object], codes: Mapping[str, int]) -> list[str]:
    """Compare a dataset with its recipe's `[expect]`, as far as it holds under the store's profile."""
    if codes.get("profile_needs_volume"):  # pictures are left out whole, so only what goes beyond that surprises
        beyond = Counter({code: rows for code, rows in codes.items() if code not in pipeline.OF_PICTURES})
        return pipeline.unexpected(known, {}, beyond | Counter(known.expect.rejections))
    counts: dict[str, int] = {}
    if rules is not None and rules.keeps_images:
        counts["images"] = int(str(row["images"]))
    if rules is not None and not rules.rules:
        counts["masks"] = int(str(row["masks"]))
    return pipeline.unexpected(known, counts, codes)


def _codes(content: Content) -> dict[str, dict[str, int]]:
    """Return dataset -> code -> rows, of every stage but `rule`."""
    rows = content.rejections[content.rejections["stage"] != "rule"]
    found: dict[str, dict[str, int]] = {}
    for (dataset, code), part in rows.groupby(["dataset", "code"], observed=True):
        found.setdefault(str(dataset), {})[str(code)] = len(part)
    return found


def _profile(content: Content) -> Profile | None:
    """Return the store's profile, where one of its name and content ships."""
    stated = content.record["profile"]
    try:
        shipped = profile.load(str(stated["name"]))
    except UsageError:
        return None
    return shipped if shipped.sha256 == stated["sha256"] else None


def _shipped(dataset: str) -> Recipe | None:
    from curate.plugins import shipped_names

    return recipe.load(dataset) if dataset in shipped_names("recipes") else None
