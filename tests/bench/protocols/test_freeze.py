"""Frozen first prompts: the same bytes, the protocol's own prompts, and refused where they are others."""

import json
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench import cli, protocols, suite
from bench.freeze import METADATA, freeze, references
from bench.protocols.frozen import load
from bench.protocols.key import Key
from bench.records import Prompts
from bench.suite import ProtocolChoice
from curate.errors import UsageError


def asking(name, seeds=1, **parameters):
    """Return the suite of every mask with another protocol."""
    choice = ProtocolChoice(name=name, version=1, parameters=parameters, seeds=seeds)
    return suite.load("all").model_copy(update={"protocol": choice})


def made(choice):
    """Return the protocol that a suite chooses."""
    return choice.protocol.load()


def opened(done, protocol, prompts_sha256=None):
    """Return a protocol with the prompts of a file."""
    return load(done.path.read_bytes(), prompts_sha256 or done.prompts_sha256, protocol, done.path.name)


@pytest.mark.parametrize("name", ["random-error", "ritm", "box", "slice-boxes", "slice-points"])
def test_frozen_prompts_are_the_protocols_own(name, store, tmp_path):
    """Every mask and seed gets from the file what the protocol draws, and steps beyond the first are not touched."""
    chosen = asking(name, seeds=2)
    done = freeze(chosen, store, tmp_path / "first.parquet")
    protocol = made(chosen)
    frozen = opened(done, protocol)
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
    assert done.prompts == count == 16
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
    """A file that holds other prompts than the suite names, or another protocol's, or none, is not used."""
    done = freeze(asking("ritm"), store, tmp_path / "first.parquet")
    with pytest.raises(UsageError, match=r"their hash is [0-9a-f]{64}, the suite names 000000000000\.\.\."):
        opened(done, made(asking("ritm")), "0" * 64)
    with pytest.raises(
        UsageError, match=r"drawn by ritm@1, or with other parameters than the suite's; write them again"
    ):
        opened(done, made(asking("ritm", points="newest")))
    pq.write_table(pq.read_table(done.path).drop(["labels"]), done.path)
    with pytest.raises(UsageError, match=r"first.parquet: no file of frozen prompts .*`bench freeze SUITE"):
        opened(done, made(asking("ritm")))
    done.path.write_text("no table")
    with pytest.raises(UsageError, match=r"first.parquet: no file of frozen prompts .*`bench freeze SUITE"):
        opened(done, made(asking("ritm")))


def test_masks_without_frozen_prompts_are_not_applicable(store, tmp_path):
    """Another seed than the frozen ones is refused, instead of drawn anew."""
    done = freeze(asking("ritm"), store, tmp_path / "first.parquet")
    frozen = opened(done, made(asking("ritm")))
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


def test_the_command_prints_lines_that_a_suite_takes(store, tmp_path, capsys):
    """What `bench freeze` prints, put into the suite, makes it load with the prompts of the file."""
    path = tmp_path / "mine.toml"
    path.write_text(
        'schema = 1\nname = "mine"\nversion = 1\ndescription = "d"\nsource = "s"\n[[groups]]\nname = "all"\n'
        '[protocol]\nname = "ritm"\nversion = 1\n'
    )
    command = ["freeze", str(path), "--store", str(store), "--out", str(tmp_path / "first.parquet")]
    assert cli.main(command) == 0
    said, head, *lines = capsys.readouterr().out.splitlines()
    assert said.endswith("first.parquet: first prompts of 8 trials; put it beside the suite's file, and into that:")
    assert (head, len(lines)) == ("[protocol.first_prompts]", 2)
    path.write_text(path.read_text() + "\n".join([head, *lines]) + "\n")
    assert made(suite.load(str(path))).parameters["first_prompts"] in lines[1]
    assert cli.main([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["prompts"] == 8


def test_masks_that_cannot_be_prompted_are_a_finding(own_store, tmp_path, capsys):
    """A mask that its label map does not hold has no first prompt: it is counted, and the exit status is 1."""
    whole = asking("random-error")
    table = own_store / "manifest/masks/pictures.parquet"
    rows = pq.read_table(table)
    values = pa.array([[99]], type=rows.schema.field("label_values").type)
    changed = rows.set_column(rows.schema.get_field_index("label_values"), rows.schema.field("label_values"), values)
    pq.write_table(changed, table)
    done = freeze(whole, own_store, tmp_path / "first.parquet")
    assert (done.prompts, done.not_applicable) == (7, 1)
    assert cli.main(["freeze", "all", "--store", str(own_store), "--out", str(tmp_path / "again.parquet")]) == 1
    assert "1 trials have none: the protocol cannot be applied" in capsys.readouterr().out
