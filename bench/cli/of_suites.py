"""`bench list`, `suite`, `freeze` and `seen`: what ships, what a suite needs and shows, what a model has seen of it."""

import argparse
from typing import TYPE_CHECKING, Any

from curate.console import FINDINGS, FINE, print_json, print_table

if TYPE_CHECKING:
    from bench.availability import Task
    from bench.training.seen_table import Row

_FEW = 4
"""Up to so many names stand in a cell of a table."""


def list_(arguments: argparse.Namespace) -> int:
    """List what ships."""
    from bench import listing

    rows = listing.rows(arguments.what)
    if arguments.json:
        print_json(rows)
    else:
        print_table(rows)
    return FINE


def suite(arguments: argparse.Namespace) -> int:
    """Say what a suite needs, and with a store, what is missing."""
    from dataclasses import asdict

    from bench import availability
    from bench import suite as suites

    loaded = suites.load(arguments.suite)
    tasks = availability.tasks(loaded, arguments.store)
    if arguments.json:
        print_json({"suite": loaded.name, "tasks": [asdict(task) for task in tasks]})
    else:
        print(f"{loaded.name}: {loaded.description}")
        print_table([_task(task) for task in tasks])
        for dataset, how in {task.dataset: task.how for task in tasks if task.how}.items():
            print(f"{dataset}: {how}")
        for variant in loaded.variants:
            print(f"variant {loaded.name}@{variant.name}: {variant.description}")
    return FINE if arguments.store is None or availability.can_run(tasks) else FINDINGS


def _task(task: "Task") -> dict[str, Any]:
    """Lay one task out as a row of the table."""
    return {
        "group": task.group,
        "dataset": task.dataset,
        "split": task.split or "all",
        "status": task.status,
        "images": task.images,
        "masks": task.masks,
        "targets": _some(task.targets),
    }


def freeze(arguments: argparse.Namespace) -> int:
    """Write the first prompts of a suite, and print the lines that make it use them."""
    from json import dumps

    from bench import suite as suites
    from bench.freeze import freeze as write

    done = write(suites.load(arguments.suite, frozen=False), arguments.store, arguments.out)
    if arguments.json:
        print_json({"file": str(done.path), "sha256": done.prompts_sha256, "prompts": done.prompts})
    else:
        print(f"{done.path}: first prompts of {done.prompts} trials; put it beside the suite's file, and into that:")
        print(f"[protocol.first_prompts]\nfile = {dumps(done.path.name)}\nsha256 = {dumps(done.prompts_sha256)}")
        if done.not_applicable:
            print(f"{done.not_applicable} trials have none: the protocol cannot be applied to their masks")
    return FINDINGS if done.not_applicable else FINE


def seen(arguments: argparse.Namespace) -> int:
    """Say what a model has seen of a suite, beside what the paper behind the suite says."""
    from dataclasses import asdict

    from bench import suite as suites
    from bench.training import seen_table

    loaded = suites.load(arguments.suite)
    name, card = seen_table.card_of(arguments.model)
    rows = seen_table.table(loaded, card, arguments.store)
    if arguments.json:
        print_json(
            {"card": name, "suite": loaded.name, "rows": [{**asdict(row), "disagrees": row.disagrees} for row in rows]}
        )
        return FINE
    print(f"{loaded.name} for {name}: computed from card and lineage, beside what the paper states")
    print_table([_line(row) for row in rows if row.level != "target"])
    print_table(seen_table.summary(rows))
    stated, disagreeing = [row for row in rows if row.stated], [row for row in rows if row.disagrees]
    print(
        f"{len(disagreeing)} of {len(stated)} statements differ from what is computed"
        if stated
        else "nothing is stated"
    )
    for row in disagreeing:
        print(f"{row.level} {row.name}: stated {row.stated}, computed {row.computed}: {row.why}")
    return FINE


def _line(row: "Row") -> dict[str, Any]:
    """Lay one answer out as a row of the table."""
    return {
        "level": row.level,
        "name": row.name,
        "computed": row.computed,
        "stated": row.stated,
        "masks": row.masks,
        "because": row.why,
    }


def _some(names: tuple[str, ...]) -> str:
    """Name a few, count the rest."""
    rest = len(names) - _FEW
    return ", ".join(names) if rest <= 0 else f"{', '.join(names[:_FEW])} and {rest} more"
