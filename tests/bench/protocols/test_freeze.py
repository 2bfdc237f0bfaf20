"""Frozen first prompts: the same bytes, the protocol's own prompts, and refused where they are others."""

from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from bench import protocols, suite
from bench.freeze import METADATA, freeze, load, references
from bench.protocols.key import Key
from bench.records import Prompts
from bench.suite import ProtocolChoice
from curate.errors import UsageError


def asking(name, **parameters):
    """Return the suite of every mask with another protocol."""
    choice = ProtocolChoice(name=name, version=1, parameters=parameters)
    return suite.load("all").model_copy(update={"protocol": choice})


def made(choice):
    """Return the protocol that a suite chooses."""
    return protocols.load(choice.protocol.name, choice.protocol.version, choice.protocol.parameters)


@pytest.mark.parametrize("name", ["random-error", "ritm", "box", "slice-boxes", "slice-points"])
def test_frozen_prompts_are_the_protocols_own(name, store, tmp_path):
    """Every mask and seed gets from the file what the protocol draws, and steps beyond the first are not touched."""
    chosen = asking(name)
    done = freeze(chosen, store, tmp_path / "first.parquet", seeds=(0, 1))
    protocol = made(chosen)
    frozen = load(done.path, done.prompts_sha256, protocol)
    count = 0
    for unit in suite.plan(chosen, store):
        for mask, reference in references(unit, store):
            what = mask["mask_id"].removeprefix(f"{unit.image['image_id']}#")
            for seed in (0, 1):
                key = Key(name, 1, unit.image["dataset"], unit.image["image_id"], what, 1, seed)
                own, read = (one.prompt(reference, None, Prompts("x"), key) for one in (protocol, frozen))
                assert read.points_ijk.tolist() == own.points_ijk.tolist()
                assert (read.labels.tolist(), read.box, read.boxes) == (own.labels.tolist(), own.box, own.boxes)
                assert frozen.actions(read) == protocol.actions(own)
                count += 1
    assert done.masks == count == 16
    assert frozen.scored_steps == protocol.scored_steps
    assert protocols.sha256(frozen) != protocols.sha256(protocol)


def test_the_same_prompts_are_the_same_bytes(store, tmp_path):
    """Two files of one suite are equal, and say in their metadata what they hold."""
    chosen = asking("ritm")
    first, second = (freeze(chosen, store, tmp_path / name) for name in ("a.parquet", "b.parquet"))
    assert first.path.read_bytes() == second.path.read_bytes()
    said = {key.decode(): value.decode() for key, value in pq.read_schema(first.path).metadata.items()}
    assert set(METADATA) <= set(said)
    assert said["prompts_sha256"] == first.prompts_sha256
    assert said["protocol_hash"] == protocols.sha256(made(chosen))


def test_other_prompts_are_refused(store, tmp_path):
    """A file that holds other prompts than the suite names, or another protocol's, is not used."""
    done = freeze(asking("ritm"), store, tmp_path / "first.parquet")
    with pytest.raises(UsageError, match=r"holds the prompts .*, the suite names 0000"):
        load(done.path, "0" * 64, made(asking("ritm")))
    with pytest.raises(UsageError, match="holds prompts of ritm@1, or of other parameters"):
        load(done.path, done.prompts_sha256, made(asking("ritm", points="newest")))
    done.path.write_text("no table")
    with pytest.raises(UsageError, match="cannot be read as frozen prompts"):
        load(done.path, done.prompts_sha256, made(asking("ritm")))


def test_masks_without_frozen_prompts_are_not_applicable(store, tmp_path):
    """Another seed than the frozen ones is refused, instead of drawn anew."""
    done = freeze(asking("ritm"), store, tmp_path / "first.parquet")
    frozen = load(done.path, done.prompts_sha256, made(asking("ritm")))
    unit = suite.plan(asking("ritm"), store)[0]
    _, reference = next(references(unit, store))
    key = Key("ritm", 1, unit.image["dataset"], unit.image["image_id"], "liver", 1, seed=7)
    with pytest.raises(ValueError, match="hold none for this mask and seed"):
        frozen.prompt(reference, None, Prompts("x"), key)
    later = frozen.prompt(reference, None, Prompts("x"), replace(key, step=2))
    assert len(later.labels) == 1


@pytest.mark.parametrize(
    ("name", "what"), [("start-mask", "previous"), ("scribble", "scribble"), ("automatic", "nothing")]
)
def test_what_a_file_cannot_hold_is_refused(name, what, store, tmp_path):
    """Masks and strokes are not frozen, nor is nothing."""
    with pytest.raises(UsageError, match=f"first shows {what}, which cannot be frozen"):
        freeze(asking(name), store, tmp_path / "first.parquet")


@pytest.mark.parametrize("seeds", [(), (1, 1), (-1,)])
def test_seeds_must_be_different(seeds, store, tmp_path):
    """Seeds that repeat, or none, are wrong usage."""
    with pytest.raises(UsageError, match="seeds must be different whole numbers from 0"):
        freeze(asking("ritm"), store, tmp_path / "first.parquet", seeds)
