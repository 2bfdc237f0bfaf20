import json
import re

import numpy as np
import pyarrow as pa
import pytest

from bench.submission import packing
from bench.submission.validation import NAMES, validate
from curate.errors import UsageError


def test_an_honest_run_passes_every_check(honest_run, store):
    """A run as `bench run` left it fails nothing, and with its store nothing is left unchecked."""
    checks = validate(honest_run, store=store)
    assert [check.name for check in checks] == list(NAMES)
    assert [(check.name, check.result) for check in checks if check.result != "pass"] == []


def test_an_honest_file_passes_every_check(honest_run, store, tmp_path):
    """What `bench pack` makes of a run passes too; its prompts are counted, for it holds no points."""
    packing.pack(honest_run, tmp_path / "sent.zip")
    checks = {check.name: check for check in validate(tmp_path / "sent.zip", store=store)}
    assert {check.result for check in checks.values()} == {"pass"}
    assert "none were kept" in checks["prompts"].found
    assert "8 masks" in checks["complete"].found


def test_without_a_store_the_rest_says_what_it_needs(honest_run):
    """Checks against the store are not called passed when there is none."""
    left = {check.name: check.fix for check in validate(honest_run) if check.result != "pass"}
    assert left == dict.fromkeys(
        ("store", "complete", "masks", "seen_images", "prompts"), "give the store that was run with --store"
    )


def first(rows, **changes):
    """Change the first row."""
    rows[0].update(changes)


def every(rows, **changes):
    """Change all rows."""
    for row in rows:
        row.update(changes)


TAMPERED_ROWS = {
    "a Dice above 1": (lambda rows: first(rows, dice=1.01, iou=None), "values", "dice is 1.01 .* expected 0 to 1"),
    "a negative HD95": (lambda rows: first(rows, hd95_mm=-1.0), "values", "hd95_mm is -1"),
    "an infinite distance": (lambda rows: first(rows, hd95_mm=np.inf), "values", "hd95_mm is inf"),
    "a precision of 2": (lambda rows: first(rows, precision=2.0), "values", "precision is 2"),
    "an ok without Dice": (lambda rows: first(rows, dice=None, iou=None), "values", "is `ok` and has no dice"),
    "a failure with scores": (lambda rows: first(rows, status="failed"), "values", "is `failed` and has scores"),
    "an unknown status": (lambda rows: first(rows, status="great"), "values", "status is 'great', not one of ok"),
    "an unknown answer": (lambda rows: first(rows, seen_image="no"), "values", "seen_image is 'no'"),
    "a step 0": (lambda rows: first(rows, step=0), "values", "step is 0 .* expected 1 or more"),
    "an IoU of another mask": (lambda rows: first(rows, dice=0.5, iou=0.5), "overlap", "dice 0.5 and iou 0.5"),
    "two models": (lambda rows: first(rows, model="other"), "one_run", "model is 'box-fill', 'other' in the rows"),
    "another model": (lambda rows: every(rows, model="mine"), "one_run", "'mine' in the rows, 'box-fill' in run.json"),
    "two protocols": (lambda rows: first(rows, protocol_hash="0"), "one_run", "protocol_hash is"),
    "a reordered file": (lambda rows: rows.reverse(), "row_order", "row 0 is .* expected"),
    "a row twice": (lambda rows: rows.append(rows[-1]), "row_order", "stands 2 times"),
    "shrinking prompts": (lambda rows: first(rows, n_points=99), "growing_prompts", "n_points falls to 3"),
    "a missing step": (lambda rows: rows.pop(), "same_masks", "step 10 of seed 0 has 7 of 8 masks"),
    "a mask of two kinds": (lambda rows: first(rows, kind="bone"), "same_masks", "is described in two ways"),
    "an unseen image of a seen set": (lambda rows: every(rows, seen_target="seen"), None, ""),
}


@pytest.mark.parametrize("what", TAMPERED_ROWS)
def test_tampered_rows_are_found_by_the_check_of_that_name(what, forge, failing):
    """Each tampering with rows fails its own check; a claim to have seen something is believed."""
    change, check, found = TAMPERED_ROWS[what]
    fails = failing(forge(rows=lambda rows: change(rows) and None))
    assert (check is None and fails == {}) or re.search(found, fails[check]), fails


def without_a_mask(rows):
    """Leave one mask out altogether."""
    return [row for row in rows if row["mask_id"] != rows[0]["mask_id"]]


AGAINST_STORE = {
    "a missing mask": (without_a_mask, "complete", r"lacks 'hard/flipped#liver' seed 0 step 1 \(4 rows of 1 masks\)"),
    "a mask of another suite": (
        lambda rows: [*rows, *({**row, "mask_id": "z#liver", "image_id": "z"} for row in rows[:4])],
        "complete",
        r"has what is not planned: 'z#liver' seed 0 step 1 \(4 rows of 1 masks\)",
    ),
    "a smaller reference": (
        lambda rows: [{**row, "reference_voxels": row["reference_voxels"] - 1} for row in rows],
        "masks",
        "reference_voxels of 'hard/flipped#liver' is",
    ),
    "another patient": (lambda rows: every(rows, patient_id="p"), "masks", "patient_id of .* is 'p', in the store"),
    "prompts that cost less": (
        lambda rows: [{**row, "n_actions": row["n_actions"] - 1, "n_points": row["n_points"] - 1} for row in rows],
        "prompts",
        "was first shown 0 points for 0 actions, the protocol draws 1 for 1",
    ),
}


@pytest.mark.parametrize("what", AGAINST_STORE)
def test_what_only_the_store_can_tell_is_found(what, forge, failing, store):
    """Each tampering passes without the store where it must, and fails its own check with it."""
    change, check, found = AGAINST_STORE[what]
    run = forge(rows=change)
    assert failing(run) == {}
    fails = failing(run, store=store)
    assert list(fails) == [check]
    assert re.search(found, fails[check])


def test_an_image_that_is_called_unseen_and_was_trained_on_is_found(forge, failing, store, tmp_path):
    """With its store, an image of a trained split may not be called unseen; to call all of it seen is believed."""
    card = tmp_path / "card.toml"
    dataset = '[[datasets]]\nid = "hard"\nname = "Hard"\nmodalities = ["CT", "MR", "XR"]\n'
    heading = '[card]\nname = "m"\nversion = "1"\nsource = "t"\n'
    card.write_text(f'{heading}{dataset}targets = ["liver", "spleen", "heart", "kidney", "kidney_tumor", "lung"]\n')
    levels = ("seen_target", "seen_modality", "seen_dataset")
    run = forge(rows=lambda rows: every(rows, **dict.fromkeys(levels, "seen")))
    fails = failing(run, store=store, card=str(card))
    assert fails == {"seen_images": "image 'hard/flipped' is called unseen, its card says unknown"}
    run = forge(rows=lambda rows: every(rows, seen_image="seen"))
    assert failing(run, store=store, card=str(card)) == {}


def test_moved_prompts_are_found(own_run, failing, store):
    """A first click that is not where the protocol draws it is found in the prompts that a run kept."""
    file = min((own_run / "prompts").rglob("*.step1.seed0.json"))
    rows = json.loads(file.read_text())
    rows[0]["points_ijk"][0][0] += 1
    file.write_text(json.dumps(rows))
    fails = failing(own_run, store=store)
    assert list(fails) == ["prompts"]
    assert re.search(r"points_ijk of .* is .*, the protocol draws", fails["prompts"])


def put(*keys, value):
    """Return a function that sets an entry of `run.json`."""

    def change(facts):
        for key in keys[:-1]:
            facts = facts[key]
        facts[keys[-1]] = value

    return change


TAMPERED_FACTS = {
    "another suite hash": (put("suite", "sha256", value="0" * 64), "suite", "it ran 'all' '000000000000', here is all"),
    "no suite of ours": (put("suite", "name", value="../../etc"), "suite", r"no suite '../../etc' ships here"),
    "another protocol hash": (put("protocol", "sha256", value="0" * 64), "protocol", "'000000000000', the suite has"),
    "an older protocol": (put("protocol", "version", value=0), "protocol", "version '0'"),
    "no version": (put("versions", value={}), "version", "does not say which medseen made it"),
    "a version to come": (put("versions", "medseen", value="99.0.0"), "version", "made by medseen '99.0.0', here is"),
    "a limit": (put("limit", value=3), "limit", "was limited to '3' images"),
    "weights without digest": (put("model", "weights", value="a .pth"), "weights", "weights_sha256 is 'None'"),
    "half a digest": (put("weights_sha256", value="abc"), "weights", "weights_sha256 is 'abc', expected a SHA-256"),
    "a card that nobody has": (put("model", "training_card", value="/etc/x.toml"), "training_card", "'x.toml' is not"),
    "an undisclosed training": (put("model", "training_card", value=None), "seen", "is called unseen"),
    "a trained model": (put("model", "training_card", value="sam-med3d"), "seen", "its card says seen"),
    "more masks planned": (put("planned", value={"masks": 9}), "same_masks", "8 masks, and run.json plans '9'"),
}


@pytest.mark.parametrize("what", TAMPERED_FACTS)
def test_tampered_facts_are_found_by_the_check_of_that_name(what, forge, failing):
    """Each tampering with `run.json` fails its own check."""
    change, check, found = TAMPERED_FACTS[what]
    assert re.search(found, failing(forge(facts=change))[check])


def test_another_store_is_found(forge, failing, store):
    """A run of another store does not pass for one of this."""
    fails = failing(forge(facts=put("store", "sha256", value="1" * 64)), store=store)
    assert re.search("was run on the store '111111111111', this one is", fails["store"])


TABLES = {
    "NaN": (
        lambda table: table.set_column(
            table.column_names.index("dice"), table.field("dice"), pa.array([float("nan")] * len(table))
        ),
        ("values", "column dice has NaN where null was meant"),
    ),
    "a column too many": (
        lambda table: table.append_column("patient_name", pa.array(["x"] * len(table))),
        ("columns", "a column that is unknown: 'patient_name'"),
    ),
    "a column too few": (lambda table: table.drop_columns(["mask_id"]), ("columns", "lacks mask_id")),
    "Dice as text": (
        lambda table: table.set_column(table.column_names.index("dice"), "dice", pa.array(["1"] * len(table))),
        ("columns", "column dice is 'string', expected double"),
    ),
    "nulls": (
        lambda table: table.set_column(
            table.column_names.index("status"), pa.field("status", pa.string()), pa.nulls(len(table), pa.string())
        ),
        ("columns", "column status has nulls"),
    ),
    "an endless text": (
        lambda table: table.set_column(
            table.column_names.index("detail"), table.field("detail"), pa.array(["x" * 5000] * len(table))
        ),
        ("columns", "column detail has a text above 4096 bytes"),
    ),
    "no rows": (lambda table: table.slice(0, 0), ("columns", "has 0 rows")),
    "more rows than any run": (
        lambda _: pa.table({"step": np.zeros(5_000_001, dtype=np.int8)}),
        ("columns", "has 5000001 rows"),
    ),
    "no Parquet": (lambda _: b"PAR1 nothing PAR1", ("columns", "cannot be read")),
    "half a file": (lambda _: b"PAR1", ("columns", "cannot be read")),
}


@pytest.mark.parametrize("what", TABLES)
def test_tables_that_break_the_contract_are_one_clear_line(what, rewrite):
    """A table that is none of `bench.schema` fails one check, and nothing else is called passed."""
    change, (check, found) = TABLES[what]
    results = {one.name: one for one in validate(rewrite(change))}
    assert {one.result for name, one in results.items() if name != check} == {"not checked"}
    assert re.search(found, results[check].found)
    assert "\n" not in results[check].found


def test_damaged_tables_are_refused_and_nothing_else_happens(honest_run, own_run):
    """Whatever bytes of a table are changed, at its end above all, it is read or it fails a check."""
    whole, generator = (honest_run / "scores.parquet").read_bytes(), np.random.default_rng(5)
    results = set()
    for _ in range(40):
        content = bytearray(whole)
        content[len(whole) - int(generator.integers(9, len(whole) // 2))] = int(generator.integers(256))
        (own_run / "scores.parquet").write_bytes(bytes(content))
        results.add({one.name: one.result for one in validate(own_run)}["columns"])
    assert "fail" in results


def test_older_runs_without_later_columns_are_whole(rewrite, failing, store):
    """Nullable columns that an earlier version did not write count as null, and a missing seed as the first."""
    run = rewrite(lambda table: table.drop_columns(["seed", "lesion_f1", "nsd_5"]))
    assert failing(run, store=store) == {}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{", "run.json cannot be read"),
        ('{"model": NaN}', "NaN is no JSON"),
        ('{"model": 1e999}', "out of range"),
        ("[" * 100_000, "run.json cannot be read"),
        ("[]", "does not say its model, suite, protocol, store, versions"),
        ('{"model": {}, "suite": {}, "protocol": {}, "store": {}, "versions": {}}', "does not name its model"),
    ],
)
def test_broken_records_are_one_clear_line(own_run, failing, text, found):
    """A `run.json` that is no record of a run fails the check of the files."""
    (own_run / "run.json").write_text(text)
    fails = failing(own_run)
    assert list(fails) == ["files"]
    assert found in fails["files"]


def test_a_missing_file_is_found(own_run, failing):
    """A run that has not ended has no scores yet."""
    (own_run / "scores.parquet").unlink()
    assert failing(own_run) == {"files": "scores.parquet cannot be read (No such file or directory)"}


def test_a_path_that_is_not_there_is_wrong_usage(tmp_path):
    """Nothing to check is the fault of who asked."""
    with pytest.raises(UsageError, match="no such file; give a folder that `bench run` wrote"):
        validate(tmp_path / "nothing")


def test_text_of_strangers_cannot_reach_the_terminal(forge, failing):
    """Control characters in names are spelt out."""
    found = failing(forge(facts=put("suite", "name", value="\x1b[2Jall")))["suite"]
    assert "\x1b" not in found
    assert "\\x1b" in found
