"""The order of a report: what is not in order first, then counts, cleaning, sizes, and the images themselves."""

from dataclasses import dataclass

from curate.recipe import Recipe
from curate.report import bars, cleaning, counts, histograms, order, sizes, targets
from curate.report.chart import Chart
from curate.report.content import Content
from curate.report.order import Finding
from curate.report.table import Table

TOP_TARGETS = 30
"""Targets in the chart of masks per target."""


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the report."""

    key: str
    title: str
    tables: tuple[Table, ...]
    text: str = ""
    charts: tuple[Chart, ...] = ()
    folded: tuple[Table, ...] = ()
    """Tables that a reader opens on demand."""


def sections(content: Content, found: tuple[Finding, ...], recipes: dict[str, Recipe]) -> tuple[Section, ...]:
    """Lay the whole report out."""
    return (
        Section("order", "What is not in order", (order.lay_out(found),), "" if found else _IN_ORDER),
        Section("datasets", "Datasets", (counts.by_dataset(content),)),
        Section("licences", "Licences", (counts.by_licence(content),)),
        Section("modalities", "Modalities and regions", (counts.by_modality(content), counts.by_region(content))),
        _targets(content),
        Section("splits", "Splits", (counts.by_split(content),)),
        _cleaning(content),
        Section(
            "rejections",
            "Rejections",
            (
                cleaning.by_code(content),
                cleaning.by_code_and_dataset(content, order.expected_codes(recipes)),
            ),
            "Everything of the sources that is not in the store, or not as it was, has a row with a code.",
        ),
        _sizes(content),
    )


_IN_ORDER = (
    "Nothing was found: every file is there, every dataset is as its recipe expects, every recipe is verified, and "
    "every licence allows commercial use."
)


def _targets(content: Content) -> Section:
    table = targets.by_target(content)
    most = sorted(table.rows, key=lambda row: (-row["masks"], row["target"]))[:TOP_TARGETS]
    kinds = content.masks.groupby("kind", observed=True)
    volumes = dict(sorted((str(kind), targets.volumes_ml(part).tolist()) for kind, part in kinds))
    title = "Masks per target" if len(most) == len(table.rows) else f"Masks per target, the {TOP_TARGETS} most frequent"
    drawn = (
        bars.bars("targets", title, "masks", {row["target"]: row["masks"] for row in most}),
        histograms.distributions("volumes", "Mask volume by kind of target", "volume, ml", volumes),
    )
    return Section(
        "targets",
        "Targets",
        (table, targets.by_kind(content)),
        charts=_there(*drawn),
        folded=(targets.by_absence(content),),
    )


def _cleaning(content: Content) -> Section:
    some = cleaning.found(content)
    table = cleaning.by_rule(some)
    first = sum(funnel.found for funnel in some if funnel.target is None)
    panels = [
        (f"{step} {code}", threshold, values)
        for (step, _, code, _, threshold), values in cleaning.measured(content).items()
    ]
    drawn = (
        bars.funnel("funnel", "Masks that each rule kept and dropped", first, table.rows),
        histograms.thresholds("thresholds", "Measured against the threshold", panels),
    )
    kept = len(content.masks)
    text = f"{first:,} masks came to the rules of the profile, {kept:,} were kept."
    if not table.rows:
        text = f"No rule of the profile touched a mask: {kept:,} were found and kept."
    return Section(
        "cleaning",
        "The cleaning funnel",
        (table, cleaning.thresholds(content)),
        text,
        _there(*drawn),
        folded=(cleaning.by_dataset_and_target(some),),
    )


def _sizes(content: Content) -> Section:
    images = sizes.measured(content)
    groups = {str(modality): part for modality, part in images.groupby("modality")}
    drawn = [
        histograms.distributions(key, title, measure, {name: part[measure] for name, part in groups.items()})
        for key, title, measure in (
            ("in-plane", "Spacing in plane", sizes.IN_PLANE),
            ("slices", "Spacing across slices", sizes.SLICE),
            ("longest", "Image size", sizes.LONGEST),
        )
    ]
    return Section("sizes", "Spacing and size", (sizes.by_modality(images),), charts=_there(*drawn))


def _there(*drawn: Chart | None) -> tuple[Chart, ...]:
    return tuple(chart for chart in drawn if chart is not None)
