"""With which datasets one overlaps, directly and through others, and why: read off the table of lineage."""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from curate.lineage import Lineage, Link

Degree = Literal["certain", "possible", "unverified"]
DEGREES: Mapping[Degree, str] = {
    "certain": "they have images in common",
    "possible": "both took images from one source; whether the same ones is not stated",
    "unverified": "a link between them is not confirmed, or joins patients and not images",
}
"""Closed list of what can be said of two datasets, strongest first."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """Another dataset that shares images, and the shortest chain of links that says so."""

    dataset: str
    degree: Degree
    through: tuple[Link, ...]
    """From the dataset that was asked about to this one; a single link joins the two directly."""

    @property
    def because(self) -> str:
        """The chain in words: `msd-liver reuses lits; lits contains 3d-ircadb-01`."""
        return "; ".join(f"{link.dataset} {link.relation.replace('_', ' ')} {link.other}" for link in self.through)


Place = tuple[str, int]
"""A dataset, and the phase of the walk in which it was reached."""
Moves = Callable[[str, int, Link, str], int | None]
"""(here, phase, link, there) -> the phase there, or None where the walk may not go."""


def overlaps(lineage: Lineage, dataset: str) -> list[Overlap]:
    """Return every dataset that shares images with `dataset`, or may: strongest first, then nearest, then by name."""
    verified = [link for link in lineage.links if link.verified and link.shares_images]
    chains: dict[Degree, dict[str, tuple[Link, ...]]] = {
        "certain": _walk(verified, dataset, _common_images),
        "possible": _walk(verified, dataset, _common_source),
        "unverified": _walk(lineage.links, dataset, _common_source),
    }
    found: dict[str, Overlap] = {}
    for degree, reached in chains.items():
        for name, through in reached.items():
            found.setdefault(name, Overlap(name, degree, through))
    order = list(DEGREES)
    return sorted(found.values(), key=lambda one: (order.index(one.degree), len(one.through), one.dataset))


def contradictions(lineage: Lineage) -> list[str]:
    """Return every pair of which each holds all images of the other although no row calls them equal."""
    names = sorted(lineage.datasets)
    inside = {name: _walk(lineage.links, name, _only_wider).keys() for name in names}
    equal = {frozenset((link.dataset, link.other)) for link in lineage.links if _is_equal(link)}
    return [
        f"{one} lies in {other} and {other} in {one}, but no row says that they have the same images"
        for one in names
        for other in inside[one]
        if one < other and one in inside[other] and frozenset((one, other)) not in equal
    ]


def _is_equal(link: Link) -> bool:
    return link.within(link.dataset, link.other) and link.within(link.other, link.dataset)


def _common_images(here: str, phase: int, link: Link, there: str) -> int | None:
    """Go on while an image in common is certain.

    In phase 0 all of `here` lies in the start, in phase 1 some of it does. A wider set keeps what is in common, and a
    link keeps it as long as all of `here` lies in the start.
    """
    if phase == 0:
        return 0 if link.within(there, here) else 1
    return 1 if link.within(here, there) else None


def _common_source(here: str, phase: int, link: Link, there: str) -> int | None:
    """Go to sources first (phase 0), then to whatever took images from them (phase 1)."""
    if (link.dataset, link.other) == (here, there):
        return 0 if phase == 0 else None
    return 1


def _only_wider(here: str, phase: int, link: Link, there: str) -> int | None:
    """Go only to datasets that hold every image of `here`."""
    return phase if link.within(here, there) else None


def _walk(links: Iterable[Link], start: str, moves: Moves) -> dict[str, tuple[Link, ...]]:
    """Return the datasets that the moves lead to, each with the shortest chain of links, in order of discovery."""
    touching: dict[str, list[Link]] = defaultdict(list)
    for link in links:
        touching[link.dataset].append(link)
        touching[link.other].append(link)
    chains: dict[Place, tuple[Link, ...]] = {(start, 0): ()}
    todo = deque(chains)
    while todo:
        place = todo.popleft()
        for link, after in _steps(place, touching[place[0]], moves):
            if after not in chains:
                chains[after] = (*chains[place], link)
                todo.append(after)
    shortest: dict[str, tuple[Link, ...]] = {}
    for (name, _), chain in chains.items():
        if name != start:
            shortest.setdefault(name, chain)
    return shortest


def _steps(place: Place, links: Iterable[Link], moves: Moves) -> Iterator[tuple[Link, Place]]:
    here, phase = place
    for link in links:
        there = link.other if link.dataset == here else link.dataset
        after = moves(here, phase, link, there)
        if after is not None:
            yield link, (there, after)
