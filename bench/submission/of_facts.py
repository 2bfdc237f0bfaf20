"""Checks of `run.json`: which suite, protocol, medseen and weights, and that it was a whole run."""

import re
from pathlib import Path
from typing import Final

from bench import protocols
from bench import suite as suites
from bench.submission.content import Submission
from bench.submission.problem import Check, failed, passed, quoted, skipped
from bench.suite import Suite
from curate.plugins import shipped_names

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_VERSION: Final = re.compile(r"(\d+)\.(\d+)\.(\d+)\S*")
_RUN: Final = "run it again with this medseen: bench run SUITE --model MODEL --store STORE --out RUN"


def suite_of(submission: Submission, own: str | None) -> Suite | None:
    """Return the suite that the submission should have run: the shipped one of its name, or the one that was given.

    The name is a stranger's text, so it is compared with the names that ship and never taken for a path.

    Raises:
        UsageError: When the given suite cannot be loaded.
    """
    if own is not None:
        return suites.load(own)
    name = str(submission.fact("suite", "name"))
    base, _, variant = name.partition("@")
    if base not in shipped_names("suites") or Path(name).exists():
        return None
    loaded = suites.load(base)
    return loaded.variant(variant) if loaded.offers(variant) else loaded


def suite(submission: Submission, expected: Suite | None) -> Check:
    """Check that the suite is the one that ships, or that was given, by its hash."""
    name, found = submission.fact("suite", "name"), submission.fact("suite", "sha256")
    if expected is None:
        fix = "give its file: bench validate FILE --suite SUITE.toml"
        return failed("suite", f"no suite {quoted(name)} ships here", fix)
    if (name, found) != (expected.name, expected.sha256):
        here = f"{expected.name} {expected.sha256[:12]}"
        return failed("suite", f"it ran {quoted(name)} {quoted(str(found)[:12])}, here is {here}", _RUN)
    return passed("suite", f"{expected.name} {expected.sha256[:12]}")


def protocol(submission: Submission, expected: Suite | None) -> Check:
    """Check that the protocol is the suite's, by its hash."""
    if expected is None:
        return skipped("protocol", "the suite is not known", "give it with --suite")
    ours = expected.protocol.load()
    named = (submission.fact("protocol", "name"), submission.fact("protocol", "version"))
    found = submission.fact("protocol", "sha256")
    if (*named, found) != (ours.name, ours.version, protocols.sha256(ours)):
        said = f"{quoted(named[0])} version {quoted(named[1])} {quoted(str(found)[:12])}"
        return failed(
            "protocol", f"it ran {said}, the suite has {ours.name}@{ours.version} {protocols.sha256(ours)[:12]}", _RUN
        )
    return passed("protocol", f"{ours.name}@{ours.version} {str(found)[:12]}")


def version(submission: Submission) -> Check:
    """Check that the medseen that made it is named, and not newer than this one."""
    from importlib.metadata import version as installed

    found, here = submission.fact("versions", "medseen"), installed("medseen")
    match = _VERSION.fullmatch(str(found))
    if match is None:
        return failed("version", "run.json does not say which medseen made it (versions.medseen)", _RUN)
    ours = _VERSION.fullmatch(here)
    if ours is not None and [int(n) for n in match.groups()] > [int(n) for n in ours.groups()]:
        return failed(
            "version", f"made by medseen {quoted(found)}, here is {here}", "update medseen and validate again"
        )
    return passed("version", f"medseen {found}")


def weights(submission: Submission) -> Check:
    """Check that the digest of the weights is given, for a model that has some."""
    digest, source = submission.fact("weights_sha256"), submission.fact("model_source_sha256")
    if digest is None and submission.fact("model", "weights") is None:
        return passed("weights", "the model takes none" + (f"; source {quoted(str(source)[:12])}" if source else ""))
    if not _SHA256.fullmatch(str(digest)):
        fix = "run it with --weights FILE, so that run.json has their digest"
        return failed("weights", f"weights_sha256 is {quoted(digest)}, expected a SHA-256", fix)
    return passed("weights", f"sha256 {str(digest)[:12]}")


def limit(submission: Submission) -> Check:
    """Check that the run was not cut short by `--limit`."""
    found = submission.fact("limit")
    if found is not None:
        return failed("limit", f"the run was limited to {quoted(found)} images", "run it again without --limit")
    return passed("limit", "all images")
