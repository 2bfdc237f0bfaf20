"""Commands on recipes and source trees: check, init, scan, build."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from curate.console import FINDINGS, FINE, print_json, print_table
from curate.errors import UsageError


def check(arguments: argparse.Namespace) -> int:
    """Check a recipe without data: its words, and whether it finds what is in a tiny tree of its `[replica]`."""
    from curate import recipe

    found = recipe.load(arguments.recipe)
    facts = {
        "recipe": found.dataset.id,
        "images": len(found.images),
        "labels": len(found.labels),
        "targets": found.targets(),
        "sha256": found.sha256,
    }
    found_wrong = _replica_differences(found, arguments.replica) if found.replica is not None else []
    if arguments.json:
        print_json(facts | {"replica": None if found.replica is None else found_wrong})
        return FINDINGS if found_wrong else FINE
    if found_wrong:
        print("\n".join(f"{found.dataset.id}: {line}" for line in found_wrong))
        return FINDINGS
    entries = f"{len(found.images)} image and {len(found.labels)} label entries"
    print(f"{found.dataset.id}: fine ({entries}, {len(found.targets())} targets)")
    return FINE


def _replica_differences(found: Any, folder: Path | None) -> list[str]:
    """Build the tiny tree that a recipe describes, in `folder` where it is to be kept; list what does not agree."""
    from tempfile import TemporaryDirectory

    from curate import replica

    if folder is not None:
        if folder.exists() and any(folder.iterdir()):
            raise UsageError(f"--replica {folder}: give a folder that is empty or does not exist yet")
        return replica.differences(found, folder)
    with TemporaryDirectory(prefix="curate-check-") as temporary:
        return replica.differences(found, Path(temporary))


def init(arguments: argparse.Namespace) -> int:
    """Write a draft recipe."""
    from dataclasses import asdict

    from curate import draft

    name = arguments.out.stem if arguments.out else draft.id_of(arguments.tree)
    found = draft.draft(arguments.tree, arguments.id or name)
    path = arguments.out or Path(f"{found.dataset_id}.toml")
    draft.write(path, found)
    if arguments.json:
        return print_json(asdict(found) | {"tree": str(found.tree), "path": str(path)})
    print(f"{path}: {found.layout}")
    print("\n".join(f"  {note}" for note in found.notes))
    print(f"next: edit {path}, then curate scan {path} --raw {arguments.tree}")
    return FINE


def scan(arguments: argparse.Namespace) -> int:
    """Say what a build will find."""
    from dataclasses import asdict

    from curate import profile, recipe
    from curate.executor import Where
    from curate.pipeline import Source
    from curate.preview import preview

    source = Source(recipe.load(arguments.recipe), arguments.raw, _roots(arguments))
    found = preview(source, profile.load(arguments.profile), Where(arguments.workers, arguments.scheduler))
    if arguments.json:
        print_json(asdict(found))
    else:
        facts = asdict(found)
        print("\n".join([*found.details, ""]) if found.details else "", end="")
        print_table(
            [{key: facts[key] for key in ("dataset", "cases", "images", "label_files", "named_files", "unnamed_files")}]
        )
        _print_surprises(found.dataset, found.surprises)
    return FINDINGS if found.surprises else FINE


def build(arguments: argparse.Namespace) -> int:
    """Build a store and say what became of each dataset."""
    from dataclasses import asdict

    from curate import pipeline, profile
    from curate.executor import Where

    where = Where(arguments.workers, arguments.scheduler)
    reports = pipeline.build(
        _sources(arguments), arguments.out, profile.load(arguments.profile), where, arguments.resume
    )
    if arguments.json:
        print_json([asdict(report) for report in reports])
    else:
        columns = ("dataset", "cases", "reused", "images", "masks")
        print_table(
            [
                {key: asdict(report)[key] for key in columns}
                | {"rejections": sum(report.rejections.values()), "rule decisions": sum(report.decisions.values())}
                for report in reports
            ]
        )
        for report in reports:
            _print_surprises(report.dataset, report.surprises)
        print(f"store: {arguments.out}")
    return FINDINGS if any(report.surprises for report in reports) else FINE


def _sources(arguments: argparse.Namespace) -> Any:
    from curate import sources

    if (arguments.sources is None) == (not arguments.recipes):
        raise UsageError("give recipes with --raw DIR, or --sources FILE, and not both")
    if arguments.sources is not None:
        return sources.from_file(arguments.sources)
    if arguments.raw is None:
        raise UsageError(f"where does {arguments.recipes[0]} lie? give --raw DIR")
    return sources.from_names(arguments.recipes, arguments.raw, _roots(arguments))


def _roots(arguments: argparse.Namespace) -> dict[str, Path]:
    """Read `--root NAME=DIR`."""
    pairs = [text.partition("=") for text in arguments.root]
    for name, equals, folder in pairs:
        if not (name and equals and folder):
            raise UsageError(f"--root {name}{equals}{folder}: write --root NAME=DIR, NAME as the recipe has it")
    return {name: Path(folder) for name, _, folder in pairs}


def _print_surprises(dataset: str, surprises: Sequence[str]) -> None:
    for line in surprises:
        print(f"{dataset}: {line}")
