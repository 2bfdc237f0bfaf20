import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.finished import read, read_comparable, read_groups, rows_sha256
from bench.score_rows import OPTIONAL
from curate.errors import StoreError, UsageError

OTHER_SUITE = {"name": "other", "version": 1, "sha256": "ff"}
OTHER_STORE = {"profile": "as-is", "sha256": "dd"}


def names(groups):
    """Return the models of each group."""
    return [[run.model for run in group] for group in groups]


def test_runs_of_one_suite_protocol_and_store_are_a_group(make_run):
    """Four runs of two suites and two stores make three groups, the same in any order."""
    rows = [{"dice": 0.5}]
    runs = [
        make_run(rows, "b"),
        make_run(rows, "a"),
        make_run([{"dice": 0.5, "suite": "other"}], "a", suite=OTHER_SUITE),
        make_run(rows, "c", store=OTHER_STORE),
    ]
    assert names(read_groups(runs)) == names(read_groups(runs[::-1])) == [["a"], ["a", "b"], ["c"]]


def test_one_model_may_stand_in_two_groups_but_not_twice_in_one(make_run):
    """A model on two suites is no repetition; on one suite it is refused by the names of both folders."""
    rows = [{"dice": 0.5}]
    runs = [make_run(rows, folder="one"), make_run(rows, folder="two")]
    with pytest.raises(UsageError, match="one and two are both runs of net"):
        read_groups(runs)
    assert names(read_groups([runs[0], make_run(rows, store=OTHER_STORE)])) == [["net"], ["net"]]


def test_what_cannot_be_compared_is_refused_where_one_table_is_asked_for(make_run):
    """Runs of two stores have two groups and no common table."""
    runs = [make_run([{}], "a", "one"), make_run([{}], "b", "two", store=OTHER_STORE)]
    assert len(read_groups(runs)) == 2
    with pytest.raises(UsageError, match="differ in store: one has sha256 cc; two has sha256 dd"):
        read_comparable(runs)


def test_rows_of_earlier_versions_are_read(make_run):
    """A file without the optional columns has nulls in them, and seed 0."""
    run = make_run([{"dice": 0.5}])
    path = run / "scores.parquet"
    pq.write_table(pq.read_table(path).drop_columns(list(OPTIONAL)), path)
    scores = read(run).scores
    assert scores["seed"].tolist() == [0]
    assert all(scores[name].isna().all() for name in OPTIONAL if name != "seed")


def test_seeds_are_rows_of_their_own(make_run):
    """Two seeds of a mask are two rows; the same seed twice is refused."""
    rows = [{"mask_id": "m", "dice": 0.5, "seed": seed} for seed in (1, 0)]
    assert read(make_run(rows)).scores["seed"].tolist() == [0, 1]
    with pytest.raises(StoreError, match="has m at step 1 twice with seed 0"):
        read(make_run([{"mask_id": "m"}, {"mask_id": "m"}]))


def test_digest_is_of_rows_not_of_files(make_run):
    """Another order of rows has the same digest, another score, seed or status another one."""
    rows = [{"mask_id": f"m{i}", "dice": i / 4} for i in range(4)]
    same = {rows_sha256(read(make_run(some))) for some in (rows, rows[::-1])}
    assert len(same) == 1
    for change in ({"dice": 0.9}, {"seed": 1}, {"status": "failed"}):
        assert rows_sha256(read(make_run([rows[0] | change, *rows[1:]]))) not in same


def test_column_of_another_type_is_a_message(make_run):
    """A column that cannot be what it should be names the file and what to type."""
    run = make_run([{"dice": 0.5}])
    table = pq.read_table(run / "scores.parquet")
    at = table.schema.get_field_index("dice")
    pq.write_table(table.set_column(at, "dice", pa.array(["much"])), run / "scores.parquet")
    with pytest.raises(StoreError, match=r"scores.parquet cannot be read: .*make it again: bench score"):
        read(run)
