"""Commands on what ships: list, lineage."""

import argparse
import sys
from typing import TYPE_CHECKING, Any

from curate.console import FINDINGS, FINE, print_json, print_table
from curate.errors import UnknownNameError

if TYPE_CHECKING:
    from curate.catalogue import Entry
    from curate.lineage import Link


def add_list(parser: argparse.ArgumentParser) -> None:
    """Add the options of `curate list`; those that are given must all hold."""
    parser.add_argument("--modality", metavar="NAME", help="only with this modality: CT, MR, PET, US, XR, OCT, ...")
    parser.add_argument("--region", metavar="NAME", help="only of this region of the body")
    parser.add_argument("--target", metavar="SLUG", help="only with this target, or with a part of it")
    parser.add_argument(
        "--licence", metavar="NAME", help="commercial, non-commercial, unclear, or a licence: CC-BY-4.0"
    )
    parser.add_argument("--dimension", choices=("2D", "3D"), help="only pictures, or only volumes")
    parser.add_argument("--verified", action="store_true", help="only recipes with nothing left to look up")
    parser.add_argument("--search", metavar="WORDS", help="only with these words in name, title, citation or targets")


def add_lineage(parser: argparse.ArgumentParser) -> None:
    """Add the options of `curate lineage`."""
    parser.add_argument("dataset", metavar="DATASET", help="name of a recipe, or of another dataset of the table")


def list_(arguments: argparse.Namespace) -> int:
    """Print the recipes that were asked for, and the profiles where nothing was asked."""
    from curate import catalogue, profile
    from curate.plugins import shipped_names

    names = ("modality", "region", "target", "licence", "dimension", "verified", "search")
    choice = catalogue.Choice(**{name: getattr(arguments, name) for name in names})
    entries, broken = catalogue.load()
    chosen = catalogue.choose(entries, choice)
    profiles = {name: profile.load(name).description for name in shipped_names("profiles")}
    for line in broken:
        print(line, file=sys.stderr)
    if arguments.json:
        print_json({"recipes": [catalogue.as_json(entry) for entry in chosen], "profiles": profiles, "broken": broken})
    else:
        print_table([_row(entry) for entry in chosen])
        print(
            f"{len(chosen)} of {len(entries)} recipes; a licence with ? is stated otherwise elsewhere; --json has more"
        )
        if choice == catalogue.Choice():
            print()
            print_table([{"profile": name, "description": text} for name, text in profiles.items()])
    return FINDINGS if broken else FINE


def lineage(arguments: argparse.Namespace) -> int:
    """Print with which datasets one overlaps, and why."""
    from dataclasses import asdict

    from curate.lineage import Lineage
    from curate.overlaps import DEGREES, overlaps

    table, name = Lineage.load(), arguments.dataset
    _check_known(name, table.datasets)
    found = overlaps(table, name)
    links = [link for link in table.links if name in (link.dataset, link.other)]
    if arguments.json:
        told = [{"dataset": one.dataset, "degree": one.degree, "because": one.because} for one in found]
        return print_json({"dataset": name, "links": [asdict(link) for link in links], "overlaps": told})
    if not found:
        print(f"{name}: no overlap with another dataset is known")
        return FINE
    print_table([{"shares images with": one.dataset, "degree": one.degree, "because": one.because} for one in found])
    print()
    print("\n".join(f"{degree}: {meaning}" for degree, meaning in DEGREES.items()))
    print()
    print_table([_link_row(link) for link in links])
    return FINE


def _row(entry: "Entry") -> dict[str, Any]:
    return {
        "recipe": entry.recipe,
        "modality": list(entry.modalities),
        "region": list(entry.regions),
        "targets": len(entry.targets),
        "licence": entry.licence + ("?" if entry.licence_state == "conflict" else ""),
        "commercial": entry.commercial,
        "cases": entry.cases,
        "verified": "yes" if entry.verified else "no",
    }


def _link_row(link: "Link") -> dict[str, Any]:
    stated = f"{link.dataset} {link.relation.replace('_', ' ')} {link.other}"
    return {"stated": stated, "verified": "yes" if link.verified else "no", "where": link.evidence}


def _check_known(name: str, linked: frozenset[str]) -> None:
    from curate.lineage import unshipped
    from curate.plugins import nearest, shipped_names

    known = {*shipped_names("recipes"), *linked, *unshipped()}
    if name not in known:
        raise UnknownNameError(f"unknown dataset `{name}`{nearest(name, known)}; `curate list` shows the recipes")
