"""The study as one Markdown file and as one JSON file, and a name for each table."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.page.files import slug, to_json
from bench.page.markdown import render_table
from bench.page.tables import Table
from bench.page.tidy import aggregator
from bench.transfer import words
from bench.transfer.findings import Findings
from bench.transfer.reading import Series, Study
from bench.transfer.sections import Section
from curate.webpage.markdown import escape


def named_tables(sections: Iterable[Section]) -> dict[str, Table]:
    """Return every table by a name that is unique and safe in a file name: section and title."""
    found: dict[str, Table] = {}
    taken: dict[str, int] = {}
    for section in sections:
        for block in section.blocks:
            name = f"{section.key}-{slug(block.table.title)}"
            taken[name] = taken.get(name, 0) + 1
            found[name if taken[name] == 1 else f"{name}--{taken[name]}"] = block.table
    return found


def to_markdown(study: Study, found: Sequence[Findings], sections: Iterable[Section]) -> str:
    """Write the page's tables as Markdown; where HTML has a tooltip, the reason stands in parentheses."""
    parts = [f"# {escape(words.title(study))}", escape(words.question(study))]
    parts += [f"**{escape(answer)}**" for answer in words.answers(found)]
    for section in sections:
        parts += [f"## {escape(section.title)}", escape(section.text)]
        parts += [render_table(block.table).rstrip("\n") for block in section.blocks]
    parts.append(f"Computed by {escape(aggregator())}.")
    return "\n\n".join(part for part in parts if part) + "\n"


def summary(study: Study, tables: Mapping[str, Table]) -> str:
    """Write runs and tables as one JSON: of each cell what is printed, its number, its notes, and why it has none."""
    content = {
        "aggregator": aggregator(),
        "suite": study.suite,
        "store": study.facts.get("store"),
        "stated": dict(study.stated),
        "runs": [_run(series) for series in study.series],
        "tables": {name: json.loads(to_json(table)) for name, table in tables.items()},
    }
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _run(series: Series) -> dict[str, Any]:
    card = series.run.facts["model"].get("training_card")
    return {
        "label": series.label,
        "model": series.model,
        "training_card": card,
        "protocol": series.protocol,
        "steps": list(series.steps),
        "seeds": series.n_seeds,
    }
