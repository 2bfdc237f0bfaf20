"""Runs of a transfer study: several models and several ways of prompting them, on the tasks of one suite."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.finished import FinishedRun, patient_keys, read
from bench.statistics.bootstrap import Strata, stratify
from bench.training.cards import load_card
from curate.errors import ConfigError, UnknownNameError, UsageError

_ASK = "give runs of one suite and one store; its variants, protocols and models may differ"


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One run: a model and how it was prompted."""

    run: FinishedRun
    label: str
    """Unique within the study: the model, and what of its prompts sets it apart from other runs of it."""
    protocol: str
    """`name@version`."""
    steps: tuple[int, ...]
    n_seeds: int
    trained_on: frozenset[str] | None
    """Targets of its training card; None where it has none that can be read here."""

    @property
    def model(self) -> str:
        """Name of the model."""
        return self.run.model

    @property
    def last_step(self) -> int:
        """The step that gaps are given for."""
        return self.steps[-1]


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """All series, and what they share."""

    series: tuple[Series, ...]
    """Sorted by label."""
    suite: str
    """Name of the suite without its variant."""
    facts: Mapping[str, Any]
    """Suite and store, as the first run's `run.json` has them."""
    stated: Mapping[str, str]
    """Group of the suite -> seen or unseen, where the paper behind the suite says so."""
    strata: Strata

    @property
    def steps(self) -> tuple[int, ...]:
        """Every step of any series, ascending."""
        return tuple(sorted({step for one in self.series for step in one.steps}))


def read_study(folders: Sequence[Path]) -> Study:
    """Read runs that may stand in one study.

    Raises:
        UsageError: No run is given, runs are of different tasks or stores, or two are of one model and protocol.
        StoreError: A run that cannot be read.
    """
    if not folders:
        raise UsageError("no run given; name at least one folder that `bench run` wrote: bench transfer RUN...")
    runs = sorted((read(folder) for folder in folders), key=lambda run: (run.model, *_prompting(run), run.folder))
    for run in runs[1:]:
        _check_same(runs[0], run)
    _check_once(runs)
    series = tuple(_series(run, label) for run, label in zip(runs, _labels(runs), strict=True))
    strata = stratify(key for run in runs for key in patient_keys(run))
    groups = _content(runs[0]).get("groups") or ()
    stated = {str(group["name"]): str(group["stated"]) for group in groups if group.get("stated")}
    return Study(series, _suite(runs[0])[0], runs[0].facts, stated, strata)


def _series(run: FinishedRun, label: str) -> Series:
    steps = tuple(sorted(int(step) for step in run.scores["step"].unique()))
    return Series(run, label, _prompting(run)[0], steps, int(run.scores["seed"].nunique()), _trained_on(run))


def _trained_on(run: FinishedRun) -> frozenset[str] | None:
    """Return the targets of a run's training card; a card that has moved since the run is none."""
    name = run.facts["model"].get("training_card")
    try:
        return load_card(str(name)).verified_targets if name else None
    except (ConfigError, UnknownNameError):
        return None


def _suite(run: FinishedRun) -> tuple[str, object]:
    """Return name and version of the suite; variants (`SUITE@VARIANT`) are the same tasks with other prompts."""
    facts = run.facts.get("suite") or {}
    return str(facts.get("name") or run.scores["suite"].iloc[0]).partition("@")[0], facts.get("version")


def _content(run: FinishedRun) -> Mapping[str, Any]:
    return (run.facts.get("suite") or {}).get("content") or {}


def _prompting(run: FinishedRun) -> tuple[str, str]:
    """Return `name@version` of the protocol, and its parameters as text."""
    parameters = (run.facts.get("protocol") or {}).get("parameters") or {}
    return str(run.scores["protocol"].iloc[0]), json.dumps(parameters, sort_keys=True)


def _check_same(one: FinishedRun, other: FinishedRun) -> None:
    mine, theirs = _suite(one), _suite(other)
    if mine != theirs:
        found = " and ".join(f"{name} version {version}" for name, version in (mine, theirs))
        raise UsageError(f"runs differ in suite: {one.folder} and {other.folder} have {found}; {_ASK}")
    for key in ("groups", "stated"):
        if _content(one).get(key) != _content(other).get(key):
            raise UsageError(f"runs differ in the {key} of suite {mine[0]}: {one.folder}, {other.folder}; {_ASK}")
    for key in ("profile", "sha256"):
        found_in = [(run.facts.get("store") or {}).get(key) for run in (one, other)]
        if found_in[0] != found_in[1]:
            raise UsageError(f"runs differ in the {key} of the store: {one.folder}, {other.folder}; {_ASK}")


def _check_once(runs: Sequence[FinishedRun]) -> None:
    first: dict[tuple[str, str, str], FinishedRun] = {}
    for run in runs:
        key = (run.model, *_prompting(run))
        if key in first:
            raise UsageError(
                f"{first[key].folder} and {run.folder} are both runs of {run.model} with {key[1]}; give one of them, "
                "or run the second again with --name NAME"
            )
        first[key] = run


def _labels(runs: Sequence[FinishedRun]) -> list[str]:
    """Name each run as shortly as it can be told from the others."""
    names = [
        [run.model, ", ".join((run.model, _prompting(run)[0])), ", ".join((run.model, *_prompting(run)))]
        for run in runs
    ]
    counts = [Counter(column) for column in zip(*names, strict=True)]
    return [next((name for name, count in zip(row, counts, strict=True) if count[name] == 1), row[-1]) for row in names]
