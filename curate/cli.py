"""The command `curate`: parse, call, print. No logic lives here, and nothing heavy is imported before it is needed."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from curate.console import FINDINGS, FINE, Commands, dispatch, print_json, print_table
from curate.errors import UsageError

_SELECTED = ("datasets", "targets", "modalities", "splits")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 fine, 1 done with findings, 2 wrong usage or configuration."""
    return dispatch(_parser(), argv)


def _parser() -> argparse.ArgumentParser:
    commands = Commands("curate", "Turn public medical datasets into one store.")
    command = commands.add
    command("list", _list, "list the recipes and profiles that ship")
    check = command("check", _check, "check a recipe alone, without data")
    check.add_argument("recipe", metavar="RECIPE", help="name of a shipped recipe, or path to a TOML file")
    scan = command("scan", _scan, "read names and headers: what is found, what is rejected, against [expect]")
    scan.add_argument("recipe", metavar="RECIPE", help="name of a shipped recipe, or path to a TOML file")
    scan.add_argument("--raw", metavar="DIR", type=Path, required=True, help="the dataset as downloaded and unpacked")
    _add_profile_and_where(scan)
    build = command("build", _build, "build a store from source trees")
    build.add_argument("recipes", metavar="RECIPE", nargs="*", help="name of a shipped recipe, or path to a TOML file")
    build.add_argument(
        "--raw", metavar="DIR", type=Path, help="the dataset; with several recipes, the folder of DIR/<recipe>"
    )
    build.add_argument("--sources", metavar="FILE", type=Path, help="TOML file of [[source]] recipe = ..., raw = ...")
    build.add_argument("--out", metavar="STORE", type=Path, required=True, help="folder of the store")
    build.add_argument(
        "--resume",
        choices=("missing", "never", "always"),
        default="missing",
        help="which finished cases to keep: those whose inputs are unchanged (missing), none (never), all (always)",
    )
    _add_profile_and_where(build)
    _add_export(command("export", _export, "write a part of a store in the layout of a trainer or catalogue"))
    for name, handler, text in (
        ("verify", _verify, "check a store's hashes, tables and masks"),
        ("stats", _stats, "count what is in a store"),
    ):
        command(name, handler, text).add_argument("store", metavar="STORE", type=Path, help="folder of a store")
    return commands.parser


def _add_profile_and_where(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--profile",
        metavar="NAME",
        default="native",
        help="name of a profile, or path to a TOML file (default: native)",
    )
    parser.add_argument("--workers", metavar="N", type=int, help="processes to use (default: threads of this process)")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="address of a running dask scheduler")


def _add_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("store", metavar="STORE", type=Path, help="folder of a store")
    parser.add_argument("format", metavar="FORMAT", help="sam-med3d, sa-med2d, nnunet, decathlon, croissant, ...")
    parser.add_argument("--out", metavar="DIR", type=Path, required=True, help="new folder of the export")
    for kind in _SELECTED:
        text = f"{kind} to export, or !PATTERN to leave out (repeatable)"
        parser.add_argument(f"--{kind}", metavar="PATTERN", action="append", default=[], help=text)


def _list(arguments: argparse.Namespace) -> int:
    from curate import profile, recipe
    from curate.plugins import shipped_names

    recipes = [recipe.load(name) for name in shipped_names("recipes")]
    rows = [
        {
            "recipe": one.dataset.id,
            "title": one.dataset.title,
            "modalities": sorted({image.modality for image in one.images}),
            "targets": len(one.targets()),
            "licence": one.dataset.licence,
            "images": one.expect.images,
        }
        for one in recipes
    ]
    profiles = {name: profile.load(name).description for name in shipped_names("profiles")}
    if arguments.json:
        return print_json({"recipes": rows, "profiles": profiles})
    print_table(rows)
    print()
    print_table([{"profile": name, "description": text} for name, text in profiles.items()])
    return FINE


def _check(arguments: argparse.Namespace) -> int:
    from curate import recipe

    found = recipe.load(arguments.recipe)
    facts = {
        "recipe": found.dataset.id,
        "images": len(found.images),
        "labels": len(found.labels),
        "targets": found.targets(),
        "sha256": found.sha256,
    }
    if arguments.json:
        return print_json(facts)
    entries = f"{len(found.images)} image and {len(found.labels)} label entries"
    print(f"{found.dataset.id}: fine ({entries}, {len(found.targets())} targets)")
    return FINE


def _scan(arguments: argparse.Namespace) -> int:
    from dataclasses import asdict

    from curate import profile, recipe
    from curate.executor import Where
    from curate.pipeline import Source
    from curate.preview import preview

    source = Source(recipe.load(arguments.recipe), arguments.raw)
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


def _build(arguments: argparse.Namespace) -> int:
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
    return sources.from_names(arguments.recipes, arguments.raw)


def _verify(arguments: argparse.Namespace) -> int:
    from curate.verify import verify

    problems = verify(arguments.store)
    if arguments.json:
        print_json({"store": str(arguments.store), "problems": problems})
    else:
        print("\n".join(problems) if problems else f"{arguments.store}: every file, table and mask is as it was built")
    return FINDINGS if problems else FINE


def _stats(arguments: argparse.Namespace) -> int:
    from curate.stats import stats

    found = stats(arguments.store)
    if arguments.json:
        return print_json(found)
    print(f"profile {found['profile']}: " + ", ".join(f"{count} {name}" for name, count in found["counts"].items()))
    for part in ("datasets", "targets", "rejections"):
        print()
        print_table(found[part])
    return FINE


def _export(arguments: argparse.Namespace) -> int:
    from dataclasses import asdict

    from curate.exporters import Selection, export

    selection = Selection(**{kind: tuple(getattr(arguments, kind)) for kind in _SELECTED})
    report = export(arguments.store, arguments.format, arguments.out, selection)
    if arguments.json:
        print_json(asdict(report))
    else:
        facts = asdict(report)
        print_table([{key: facts[key] for key in ("format", "cases", "images", "masks", "files")}])
        print_table([{"left out": code, "rows": rows} for code, rows in report.left_out.items()])
        print("\n".join([*report.notes, f"export: {arguments.out}"]))
    return FINDINGS if report.left_out else FINE


def _print_surprises(dataset: str, surprises: Sequence[str]) -> None:
    for line in surprises:
        print(f"{dataset}: {line}")
