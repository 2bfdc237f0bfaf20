"""From what was found to what was kept: the rules of the profile, and the codes of everything that was left out."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

from curate.funnel import Funnel, funnels
from curate.rejections import CODES
from curate.report import quantiles, table
from curate.report.content import Content
from curate.report.table import Column, Table

if TYPE_CHECKING:
    import pandas as pd

_COUNTS = ("before", "dropped", "changed", "noted", "added", "after")
_OF_RULES = ["dataset", "target", "code", "effect", "step", "rule", "masks_before", "masks_after"]
_WHOLE = ("step", "masks_before", "masks_after")
_MEANING = (
    "Masks. Dropped: left out; changed: kept, not as they were; noted: kept as they were, with a row; added: by "
    "splitting (below 0 where a target became its two sides). A rule that touched no mask has no row."
)
_ALL = "all"


def found(content: Content) -> list[Funnel]:
    """Return what the profile's rules did, per dataset and per target of it; see `curate.funnel`."""
    kept = content.masks.groupby(["dataset", "target"], observed=True)
    rows = content.rejections.dropna(subset=["step", "target"])[_OF_RULES].astype(dict.fromkeys(_WHOLE, "int64"))
    masks = {(str(dataset), str(target)): len(part) for (dataset, target), part in kept}
    return funnels(masks, cast("list[dict[str, Any]]", rows.astype(object).to_dict("records")))


def whole_funnel(some: Iterable[Funnel]) -> list[dict[str, Any]]:
    """Add the datasets' funnels up: a row per rule, in the order of the profile.

    Datasets in which a rule touched nothing count with the masks that came to it.
    """
    of_datasets = [funnel for funnel in some if funnel.target is None]
    deeds: dict[tuple[int, str], Counter[str]] = {}
    for funnel in of_datasets:
        for step in funnel.steps:
            counts = {"dropped": step.dropped, "changed": step.changed, "noted": step.noted, "added": step.added}
            deeds.setdefault((step.step, step.rule), Counter()).update(counts)
    left = sum(funnel.found for funnel in of_datasets)
    rows = []
    for (place, rule), deed in sorted(deeds.items()):
        after = left - deed["dropped"] + deed["added"]
        names = ("dropped", "changed", "noted", "added")
        rows.append(
            {"step": place, "rule": rule, "before": left, **{name: deed[name] for name in names}, "after": after}
        )
        left = after
    return rows


def by_rule(some: Iterable[Funnel]) -> Table:
    """Lay out what each rule did to the masks of the whole store."""
    columns = (Column("step", "Step", "count"), Column("rule", "Rule"), *table.counts(*_COUNTS))
    return table.of("funnel", "The cleaning funnel", _MEANING, columns, whole_funnel(some))


def by_dataset_and_target(some: Iterable[Funnel]) -> Table:
    """Lay out what each rule did to the masks of each dataset, and of each target in it."""
    columns = (
        *(Column("dataset", "Dataset"), Column("target", "Target"), Column("step", "Step", "count")),
        *(Column("rule", "Rule"), *table.counts("found", *_COUNTS, "kept")),
    )
    rows = [
        {
            "dataset": funnel.dataset,
            "target": funnel.target or _ALL,
            "found": funnel.found,
            "kept": funnel.kept,
            "step": step.step,
            "rule": step.rule,
            **{name: getattr(step, name) for name in _COUNTS},
        }
        for funnel in some
        for step in funnel.steps
    ]
    caption = f"{_MEANING} `{_ALL}` stands for every target of the dataset together."
    return table.of("funnel_by_target", "The funnel by dataset and target", caption, columns, rows)


def thresholds(content: Content) -> Table:
    """Give the distribution of what each rule measured against its threshold."""
    columns = (
        Column("step", "Step", "count"),
        *(Column("rule", "Rule"), Column("code", "Code"), Column("effect", "Effect")),
        Column("threshold", "Threshold", "number", why="the rule has no threshold"),
        *quantiles.columns("", "nothing was measured"),
    )
    caption = (
        "Measured values of the masks that a rule has a row about, in the unit of its code; masks that passed have no "
        f"row. {quantiles.DEFINITION}"
    )
    rows = [
        dict(zip(("step", "rule", "code", "effect", "threshold"), key, strict=True)) | quantiles.five(values)
        for key, values in measured(content).items()
    ]
    return table.of("thresholds", "Measured against the threshold", caption, columns, rows)


def measured(content: Content) -> "dict[tuple[int, str, str, str, float], pd.Series[float]]":
    """Return measured values by (step, rule, code, effect, threshold), in the order of the profile."""
    rows = content.rejections[content.rejections["measured"].notna() & content.rejections["threshold"].notna()]
    rows = rows[rows["step"].notna()]
    groups = rows.groupby(["step", "rule", "code", "effect", "threshold"], observed=True)["measured"]
    found: dict[tuple[int, str, str, str, float], pd.Series[float]] = {}
    for key, part in groups:
        step, rule, code, effect, threshold = cast("tuple[float, str, str, str, float]", key)
        found[int(step), rule, code, effect, threshold] = part
    return dict(sorted(found.items(), key=lambda pair: pair[0]))


def by_code(content: Content) -> Table:
    """Count rejection rows and the datasets that have them by code, and say what each code means."""
    columns = (
        *(Column("code", "Code"), Column("meaning", "Meaning"), Column("stage", "Stage"), Column("effect", "Effect")),
        *table.counts("rows", "datasets"),
    )
    rows = [
        {
            "code": str(key[1]),
            "meaning": CODES.get(str(key[1]), "not in the list of this version"),
            "stage": str(key[0]),
            "effect": str(key[2]),
            "rows": len(part),
            "datasets": int(part["dataset"].nunique()),
        }
        for key, part in content.rejections.groupby(["stage", "code", "effect"], observed=True)
    ]
    rows.sort(key=lambda row: (_STAGES.get(str(row["stage"]), len(_STAGES)), str(row["code"]), str(row["effect"])))
    caption = (
        "In the order of a build: file names, files, labels, rules. left_out: not in the store; changed: in it, not as "
        "the source had it; noted: in it, as it was."
    )
    return table.of("rejections", "Rejections by code", caption, columns, rows)


def by_code_and_dataset(content: Content, expected: Mapping[str, Mapping[str, int]]) -> Table:
    """Count rejection rows by dataset and code, beside what the recipe expects, with the first row as an example.

    Args:
        content: The store.
        expected: Dataset -> code -> rows, of the datasets whose recipe is known.
    """
    columns = (
        *(Column("dataset", "Dataset"), Column("code", "Code"), Column("effect", "Effect")),
        Column("rows", "Rows", "count"),
        Column("expected", "Expected", "count", why="the recipe is not known, or says nothing of this code"),
        Column("example", "Example"),
        Column("example_path", "File", note_of="example"),
    )
    rows = [
        {
            "dataset": str(key[0]),
            "code": str(key[1]),
            "effect": str(key[2]),
            "rows": len(part),
            "expected": expected.get(str(key[0]), {}).get(str(key[1])),
            **_example(part.iloc[0]),
        }
        for key, part in content.rejections.groupby(["dataset", "code", "effect"], observed=True)
    ]
    rows.sort(key=lambda row: (str(row["dataset"]), str(row["code"]), str(row["effect"])))
    caption = "The example is the first such row of the store's table; manifest/rejections has all of them."
    return table.of("rejections_by_dataset", "Rejections by dataset", caption, columns, rows)


_STAGES: Mapping[str, int] = {stage: place for place, stage in enumerate(("scan", "check", "label", "rule", "build"))}


def _example(row: "pd.Series[Any]") -> dict[str, str | None]:
    return {
        "example": str(row["detail"]),
        "example_path": row["source_path"] if isinstance(row["source_path"], str) else None,
    }
