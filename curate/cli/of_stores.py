"""Commands on stores: verify, stats, duplicates, split, export."""

import argparse

from curate.console import FINDINGS, FINE, print_json, print_table

SELECTED = ("datasets", "targets", "modalities", "splits")
"""What a part of a store is chosen by."""


def verify(arguments: argparse.Namespace) -> int:
    """Check a store against its own record."""
    from curate.verify import verify

    problems = verify(arguments.store)
    if arguments.json:
        print_json({"store": str(arguments.store), "problems": problems})
    else:
        print("\n".join(problems) if problems else f"{arguments.store}: every file, table and mask is as it was built")
    return FINDINGS if problems else FINE


def stats(arguments: argparse.Namespace) -> int:
    """Print what is in a store."""
    from curate.funnel import by_rule, by_target
    from curate.stats import stats

    found = stats(arguments.store)
    if arguments.json:
        return print_json(found)
    print(f"profile {found['profile']}: " + ", ".join(f"{count} {name}" for name, count in found["counts"].items()))
    tables = [found["datasets"], found["targets"], found["rejections"]]
    if any(funnel["steps"] for funnel in found["funnel"]):
        tables += [by_rule(found["funnel"]), by_target(found["funnel"])]
    for table in tables:
        print()
        print_table(table)
    return FINE


def duplicates(arguments: argparse.Namespace) -> int:
    """Print the pairs of images that are one scan."""
    from curate import duplicates
    from curate.duplicates.table import check_suffix
    from curate.executor import Where

    if arguments.out is not None:
        check_suffix(arguments.out)
    found = duplicates.find(arguments.stores, Where(arguments.workers, arguments.scheduler))
    if arguments.out is not None:
        duplicates.write(arguments.out, found.rows)
    if arguments.json:
        print_json({"counts": found.counts, "rows": list(found.rows)})
    else:
        shown = ("image_a", "image_b", "kind", "similarity", "transform", "crosses_split", "detail")
        print_table([{name: row[name] for name in shown} for row in found.rows])
        print(", ".join(f"{name} {count}" for name, count in found.counts.items()))
    return FINDINGS if found.has_findings else FINE


def split(arguments: argparse.Namespace) -> int:
    """Move patients so that no duplicate stands on two sides."""
    from dataclasses import asdict

    from curate import duplicates
    from curate.executor import Where
    from curate.resplit import resplit

    found = duplicates.find([arguments.store], Where(arguments.workers, arguments.scheduler))
    moves = [asdict(move) for move in resplit(arguments.store, duplicates.groups(found.rows))]
    unread = found.counts["not_compared"]
    if arguments.json:
        print_json({"moves": moves, "not_compared": unread})
    else:
        print_table(moves)
        text = f"{len(moves)} images moved, {unread} not compared; no duplicate that was found stands on two sides"
        print(f"{arguments.store}: {text}")
    return FINDINGS if unread else FINE


def export(arguments: argparse.Namespace) -> int:
    """Write a part of a store for another program."""
    from dataclasses import asdict

    from curate.exporters import Selection, export

    selection = Selection(**{kind: tuple(getattr(arguments, kind)) for kind in SELECTED})
    report = export(arguments.store, arguments.format, arguments.out, selection)
    if arguments.json:
        print_json(asdict(report))
    else:
        facts = asdict(report)
        print_table([{key: facts[key] for key in ("format", "cases", "images", "masks", "files")}])
        print_table([{"left out": code, "rows": rows} for code, rows in report.left_out.items()])
        print("\n".join([*report.notes, f"export: {arguments.out}"]))
    return FINDINGS if report.left_out else FINE
