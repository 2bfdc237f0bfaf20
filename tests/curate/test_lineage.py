import csv
import itertools
import re
from collections import Counter

import pytest

from curate import catalogue
from curate.lineage import RELATIONS, SHARES, Lineage, Link, unshipped
from curate.overlaps import DEGREES, contradictions, overlaps
from curate.plugins import shipped_folder, shipped_names

LINEAGE = Lineage.load()
PLACE = re.compile(r"recipe|at \S.*|.+ -> .+")


def link(dataset, other, relation="reuses", verified=True, dataset_share="", other_share=""):
    """Return one row of a table; what contains another has all of it."""
    share = "all" if relation == "contains" else other_share
    return Link(dataset, other, relation, verified, "stated", dataset_share, share)


def degrees(lineage, dataset):
    """Return what each other dataset shares with one."""
    return {one.dataset: one.degree for one in overlaps(lineage, dataset)}


def test_every_row_is_made_of_known_words():
    """Relations and shares are from closed lists, every row has evidence, and a case map says where it stands."""
    for row in LINEAGE.links:
        assert row.relation in RELATIONS
        assert {row.dataset_share, row.other_share} <= set(SHARES)
        assert row.evidence
        assert row.case_map is None or PLACE.fullmatch(row.case_map)
    with (shipped_folder("vocabulary") / "lineage.csv").open(encoding="utf-8", newline="") as stream:
        assert {row["verified"] for row in csv.DictReader(stream)} == {"yes", "no"}


def test_no_pair_stands_twice_and_no_dataset_is_its_own_source():
    """A pair has one row, in one direction, and following the rows never leads back."""
    assert Counter(frozenset((row.dataset, row.other)) for row in LINEAGE.links).most_common(1)[0][1] == 1
    assert [row for row in LINEAGE.links if row.dataset in LINEAGE.sources(row.other, verified=False)] == []


def test_what_contains_another_has_all_of_it():
    """`contains` states the share of the other dataset, and rows on patients state no share of images."""
    assert {row.other_share for row in LINEAGE.links if row.relation == "contains"} == {"all"}
    assert {row.dataset_share + row.other_share for row in LINEAGE.links if not row.shares_images} == {""}


def test_every_dataset_is_a_recipe_or_is_listed_as_not_shipped():
    """Each id of the table is one or the other, never both, and the list has nothing that the table does not need."""
    recipes, others = set(shipped_names("recipes")), set(unshipped())
    assert LINEAGE.datasets - recipes - others == set()
    assert recipes & others == set()
    assert others - LINEAGE.datasets == set()
    assert all(row["title"] and row["why"] for row in unshipped().values())


def test_every_origin_of_a_recipe_stands_in_the_table():
    """A recipe's `[[derived_from]]` has its row, which contradicts it neither in its kind nor in its share."""
    rows = {(row.dataset, row.other): row for row in LINEAGE.links}
    entries, _ = catalogue.load()
    origins = [(entry.recipe, origin) for entry in entries for origin in entry.derived_from]
    assert len(origins) > 50
    assert [(name, origin.dataset) for name, origin in origins if (name, origin.dataset) not in rows] == []
    for name, origin in origins:
        row = rows[name, origin.dataset]
        assert row.shares_images == (origin.relation != "same_patients"), (name, origin.dataset)
        assert (origin.relation, row.dataset_share) != ("all_images", "some"), (name, origin.dataset)


def test_a_case_map_is_said_to_be_in_the_recipe_where_it_is():
    """`recipe` stands on exactly the rows whose recipe tells which case is which."""
    entries, _ = catalogue.load()
    mapped = {
        (entry.recipe, origin.dataset)
        for entry in entries
        for origin in entry.derived_from
        if origin.case is not None or origin.cases
    }
    assert {(row.dataset, row.other) for row in LINEAGE.links if row.case_map == "recipe"} == mapped


def test_the_shipped_table_contradicts_itself_nowhere():
    """No two datasets lie in each other unless a row says that they have the same images."""
    assert contradictions(LINEAGE) == []


def test_a_circle_of_inclusions_is_found():
    """A in B, B in C and C in A cannot be, but for equal datasets."""
    circle = Lineage((link("b", "a", "contains"), link("c", "b", "contains"), link("c", "a", dataset_share="all")))
    assert contradictions(circle) == [
        f"{one} lies in {other} and {other} in {one}, but no row says that they have the same images"
        for one, other in (("a", "b"), ("a", "c"), ("b", "c"))
    ]
    assert contradictions(Lineage((link("b", "a", "contains", dataset_share="all"),))) == []


def test_questions_asked_from_either_side_agree():
    """For every two datasets of the shipped table, each is to the other what the other is to it."""
    told = {name: degrees(LINEAGE, name) for name in LINEAGE.datasets}
    for one, other in itertools.combinations(sorted(LINEAGE.datasets), 2):
        assert told[one].get(other) == told[other].get(one), (one, other)


def test_overlaps_and_sharing_say_the_same():
    """What is certain or possible shares a verified source, what is unverified is likely; the rest shares nothing."""
    for one in sorted(LINEAGE.datasets):
        told = degrees(LINEAGE, one)
        for other in LINEAGE.datasets - {one}:
            expected = {"certain": "yes", "possible": "yes", "unverified": "likely", None: "no"}[told.get(other)]
            assert LINEAGE.sharing(one, other) == expected, (one, other)


def test_a_chain_leads_from_one_dataset_to_the_other():
    """Each link of a chain touches the one before, the first the dataset asked about and the last the answer."""
    for name in sorted(LINEAGE.datasets):
        for one in overlaps(LINEAGE, name):
            here = name
            for row in one.through:
                assert here in (row.dataset, row.other)
                here = row.other if here == row.dataset else row.dataset
            assert here == one.dataset


@pytest.mark.parametrize(
    ("links", "degree"),
    [
        ([link("x", "y")], "certain"),
        ([link("x", "y", verified=False)], "unverified"),
        ([link("x", "y", "same_patients")], "unverified"),
        ([link("x", "s"), link("y", "s")], "possible"),  # perhaps other images of s
        ([link("x", "s", "contains"), link("y", "s")], "certain"),  # what y took is in x
        ([link("x", "s"), link("s", "y")], "possible"),  # perhaps none of what s took from y
        ([link("x", "s", "contains"), link("s", "y")], "certain"),
        ([link("x", "s"), link("y", "s", "contains")], "certain"),
        ([link("x", "s", dataset_share="all"), link("y", "s", dataset_share="all")], "possible"),
        ([link("x", "s", dataset_share="all"), link("s", "y", dataset_share="all")], "certain"),
        ([link("x", "s", other_share="all"), link("s", "t", other_share="all"), link("y", "t")], "certain"),
        ([link("s", "x"), link("s", "y")], None),  # using two sources does not relate them
        ([link("x", "s"), link("y", "s", verified=False)], "unverified"),
    ],
)
def test_what_two_datasets_share(links, degree):
    """Images in common are certain only where the shares leave no way around them."""
    assert degrees(Lineage(tuple(links)), "x").get("y") == degree
    assert degrees(Lineage(tuple(links)), "y").get("x") == degree


def test_the_chain_is_told_in_words():
    """The reason names each link in turn."""
    (other, *_) = overlaps(Lineage((link("x", "s", "contains"), link("y", "s", "same_patients"))), "s")
    assert (other.dataset, other.because) == ("x", "x contains s")
    told = {one.dataset: one.because for one in overlaps(Lineage((link("x", "s"), link("y", "s"))), "x")}
    assert told == {"s": "x reuses s", "y": "x reuses s; y reuses s"}
    assert set(DEGREES) == {"certain", "possible", "unverified"}


def test_sources_are_followed_as_far_as_they_are_verified():
    """Links that are not verified, or that join patients only, count where they are asked for."""
    lineage = Lineage((link("c", "b"), link("b", "a"), link("c", "g", verified=False), link("c", "p", "same_patients")))
    assert lineage.sources("c") == {"a", "b", "c"}
    assert lineage.sources("c", verified=False) == {"a", "b", "c", "g", "p"}
    assert lineage.sources("elsewhere") == {"elsewhere"}


@pytest.mark.parametrize(
    ("one", "other", "degree"),
    [
        ("msd-liver", "lits", "certain"),
        ("msd-liver", "3d-ircadb-01", "certain"),
        ("kits19", "kits23", "certain"),
        ("abdomenct-1k", "msd-liver", "certain"),  # both have LiTS
        ("brats23-gli", "brats21", "certain"),
        ("brats13", "brats23-gli", "possible"),
        ("feta21", "feta2022", "certain"),
        ("upenn-gbm", "brats21", "unverified"),
        ("han-seg", "lits", None),
    ],
)
def test_overlaps_that_people_know(one, other, degree):
    """Editions, collections and copies are found, through others too, and what is apart stays apart."""
    assert degrees(LINEAGE, one).get(other) == degree
