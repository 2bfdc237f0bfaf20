"""The command fetch: download a dataset, or say how a person gets it."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from curate.console import FINDINGS, FINE, print_json, print_table
from curate.errors import UsageError

if TYPE_CHECKING:
    from curate.fetch import Outcome
    from curate.recipe import Recipe

_ACCESS = {
    "open": "anyone may download it from its page",
    "account": "its page asks for an account, or for terms to be accepted",
    "request": "its owners must agree first",
    "closed": "it can no longer be had",
    None: "the recipe does not say how it can be had",
}


def add_fetch(parser: argparse.ArgumentParser) -> None:
    """Add the options of `curate fetch`."""
    parser.add_argument("recipe", metavar="RECIPE", help="name of a shipped recipe, or path to a TOML file")
    parser.add_argument("--out", metavar="DIR", type=Path, help="where the dataset goes")
    parser.add_argument("--dry-run", action="store_true", help="say what would be downloaded, and how large it is")
    parser.add_argument("--keep-archives", action="store_true", help="leave archives beside what came out of them")


def fetch(arguments: argparse.Namespace) -> int:
    """Download a dataset, or say how a person gets it."""
    from curate import fetch as fetching
    from curate import recipe

    found = recipe.load(arguments.recipe)
    if found.download is None or not found.download.files:
        return _print_steps(found, arguments)
    if arguments.out is None:
        raise UsageError(f"where shall {found.dataset.id} go? give --out DIR")
    if arguments.dry_run:
        return _print_plan(found, arguments)
    outcomes = fetching.fetch(found.download, arguments.out, keep_archives=arguments.keep_archives)
    return _print_outcomes(found, outcomes, arguments)


def _print_steps(found: "Recipe", arguments: argparse.Namespace) -> int:
    """Say how a person gets a dataset that no direct link leads to."""
    from curate.licences import commercial_use

    facts, download = found.dataset, found.download
    page = download.page if download else facts.homepage
    steps = list(download.steps) if download else []
    access = download.access if download else None
    commercial = commercial_use(facts.licence, facts.licence_conflict)
    if arguments.json:
        told = {"recipe": facts.id, "access": access, "page": page, "steps": steps, "licence": facts.licence}
        print_json(told | {"commercial": commercial, "next": _next(found, arguments)})
        return FINDINGS
    print(f"{facts.id}: {_ACCESS[access]}; nothing was downloaded")
    print(f"page:     {page or '-'}")
    print(f"licence:  {facts.licence} ({facts.licence_evidence})")
    if facts.licence_conflict:
        print(f"          but: {facts.licence_conflict}")
    print(f"          commercial use: {commercial}")
    for number, step in enumerate(steps, start=1):
        print(f"step {number}:   {step}")
    print(f"then:     {_next(found, arguments)}")
    return FINDINGS


def _print_plan(found: "Recipe", arguments: argparse.Namespace) -> int:
    from dataclasses import asdict

    from curate.fetch import plan, shown

    planned = plan(found.download, arguments.out) if found.download else []
    if arguments.json:
        return print_json({"recipe": found.dataset.id, "files": [asdict(one) for one in planned]})
    print_table(
        [
            {
                "file": one.name,
                "state": one.state,
                "size": shown(one.size_bytes) if one.size_bytes is not None else None,
                "has come": shown(one.have_bytes) if one.have_bytes else None,
                "checksum": one.checksum.partition(":")[0] if one.checksum else None,
                "unpacked into": one.unpack_into,
            }
            for one in planned
        ]
    )
    missing = [one for one in planned if one.state != "there"]
    known = sum(one.size_bytes - one.have_bytes for one in missing if one.size_bytes is not None)
    unknown = sum(one.size_bytes is None for one in missing)
    print(f"to download: {shown(known)}" + f" and {unknown} of unknown size" * bool(unknown))
    print(f"licence: {found.dataset.licence} ({found.dataset.licence_evidence})")
    return FINE


def _print_outcomes(found: "Recipe", outcomes: "list[Outcome]", arguments: argparse.Namespace) -> int:
    from dataclasses import asdict

    failed = [one for one in outcomes if one.state == "failed"]
    if arguments.json:
        told = {"recipe": found.dataset.id, "files": [asdict(one) for one in outcomes]}
        print_json(told | {"next": None if failed else _next(found, arguments)})
        return FINDINGS if failed else FINE
    print_table([{"file": one.name, "state": one.state, "files": one.files} for one in outcomes])
    print("\n".join(f"{one.name}: {one.detail}" for one in outcomes if one.detail))
    print(f"licence: {found.dataset.licence} ({found.dataset.licence_evidence})")
    if failed and found.download is not None:
        print(f"{len(failed)} of {len(outcomes)} failed; the page is {found.download.page}")
    else:
        print(f"next: {_next(found, arguments)}")
    return FINDINGS if failed else FINE


def _next(found: "Recipe", arguments: argparse.Namespace) -> str:
    """Return the command that comes after fetching."""
    roots = "".join(f" --root {root}=DIR" for root in found.roots)
    return f"curate build {arguments.recipe} --raw {arguments.out or 'DIR'}{roots} --out STORE"
