import csv
import json
import re
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest

from bench.leaderboard import write
from bench.statistics.aggregate import VERSION
from curate.errors import StoreError, UsageError

HOSTILE = '<script>alert("x")</script> | $a$ _b_ --> & co'
FILES = ["leaderboard.md", "leaderboard.csv", "leaderboard.json", "index.html"]


def grid(shift=0.0, **columns):
    """Make 3 datasets x 6 patients x 2 masks x 2 steps."""
    rng = np.random.default_rng(1)
    return [
        {
            "mask_id": f"d{d}/p{p}#{k}",
            "dataset": f"d{d}",
            "patient_id": f"p{p}",
            "step": step,
            "dice": float(np.clip(rng.uniform(0.3, 0.8) + shift, 0, 1)),
            "seen_target": "seen" if k else "unseen",
        }
        | columns
        for d in range(3)
        for p in range(6)
        for k in range(2)
        for step in (1, 5)
    ]


def contents(paths):
    """Read the files of a leaderboard."""
    return {path.name: path.read_text(encoding="utf-8") for path in paths}


@pytest.fixture(scope="module")
def lopsided(write_run, tmp_path_factory):
    """Return runs of every kind: good, failing, partial, reference, with unknown training and without most facts."""
    out = tmp_path_factory.mktemp("runs")
    failing = [row | ({"status": "failed", "dice": None} if i % 7 == 0 else {}) for i, row in enumerate(grid())]
    partial = [row | ({"status": "unsupported", "dice": None} if row["dataset"] == "d2" else {}) for row in grid(0.15)]
    return [
        write_run(out / "run0", grid(), "good", card={"description": "a net", "training_card": "mine"}, device="CPU"),
        write_run(out / "run1", failing, "failing"),
        write_run(out / "run2", partial, "partial"),
        write_run(out / "run3", grid(1.0), "truth", card={"sees_reference": True}),
        write_run(out / "run4", grid(-0.2, seen_target="unknown"), "undisclosed"),
    ]


@pytest.fixture(scope="module")
def files(lopsided, tmp_path_factory):
    """Write the leaderboard of these runs once, and return its paths."""
    return write(lopsided, tmp_path_factory.mktemp("board"), [("dice", "twice the overlap over the sum")])


@pytest.fixture(scope="module")
def board(files):
    """Return the one board of its JSON."""
    return json.loads(files[2].read_text(encoding="utf-8"))["boards"][0]


@pytest.fixture(scope="module")
def figures(files):
    """Return the rows of its CSV."""
    return list(csv.DictReader(files[1].open(encoding="utf-8")))


def test_files_are_written(files):
    """The leaderboard is Markdown, CSV, JSON, one page and its tables, and all their paths are returned."""
    out = files[0].parent
    assert [path.name for path in files[:4]] == FILES
    assert sorted(path.name for path in out.iterdir()) == sorted([*FILES, "tables"])
    assert {path for path in out.rglob("*") if path.is_file()} == set(files)


def test_order_of_rows_and_runs_does_not_matter(lopsided, files, tmp_path):
    """Shuffled rows and reversed runs give the same bytes."""
    shuffled = []
    for run in lopsided[::-1]:
        shutil.copytree(run, tmp_path / run.name)
        shuffled.append(tmp_path / run.name)
        table = pq.read_table(run / "scores.parquet")
        mixed = table.take(np.random.default_rng(2).permutation(len(table)))
        pq.write_table(mixed, shuffled[-1] / "scores.parquet")
    definitions = [("dice", "twice the overlap over the sum")]
    assert contents(write(shuffled, tmp_path / "after", definitions)) == contents(files)


def test_no_file_names_a_folder_or_a_number_that_is_none(files):
    """No path of this machine, no NaN, infinity, None or null-like word stands where a reader would see it."""
    for name, text in contents(files).items():
        assert str(files[0].parent.parent) not in text, name
        assert not re.search(r"\b(nan|inf|infinity|undefined)\b", text, re.IGNORECASE), name
    assert "None" not in files[1].read_text(encoding="utf-8")
    assert ">None<" not in files[3].read_text(encoding="utf-8")


def test_csv_is_tidy(figures):
    """Every figure is named once by its eight words; a value is a number or empty with a reason."""
    words = ("model", "aggregation", "split_by", "split", "step", "metric", "unit", "policy")
    assert len({tuple(row[word] for word in words) for row in figures}) == len(figures)
    for row in figures:
        assert bool(row["value"]) != bool(row["why_no_value"])
        assert bool(row["low"]) == bool(row["high"]) == (not row["why_no_interval"])
        assert not row["low"] or float(row["low"]) <= float(row["value"]) <= float(row["high"])


def test_shares_of_outcomes_sum_to_one(figures):
    """Per model and step every mask of the suite has exactly one outcome."""
    shares = [row for row in figures if row["metric"].startswith("share_")]
    for model in ("good", "failing", "partial"):
        for step in ("1", "5"):
            mine = [float(row["value"]) for row in shares if (row["model"], row["step"]) == (model, step)]
            assert sum(mine) == pytest.approx(1, abs=1e-5)
    assert {row["n_masks"] for row in shares} == {"36"}


def test_only_rivals_of_full_coverage_are_ranked(board):
    """References and partly covering models have no rank, however good, and stand below the ranked ones."""
    places = {model["card"]["name"]: model["ranks"] for model in board["models"]}
    assert [name for name, ranks in places.items() if ranks] == ["good", "failing", "undisclosed"]
    assert [model["card"]["name"] for model in board["models"]][3:] == ["partial", "truth"]
    assert places["good"]["mean over masks"]["place"] == 1


def test_json_has_null_where_there_is_no_value(board):
    """A split without masks has a null and a reason in JSON."""
    void = [
        row
        for row in board["figures"]
        if (row["model"], row["split_by"], row["split"]) == ("undisclosed", "seen_target", "seen")
    ]
    assert void
    assert all(row["value"] is None and row["n_masks"] == 0 and row["why_no_value"] for row in void)


def test_answer_names_the_best_model_with_interval_and_n(files):
    """The first lines of the page say who leads, by how much, on what, and how it does on unseen targets."""
    text = files[0].read_text(encoding="utf-8")
    answer = text.split("\n\n")[2]
    assert re.search(
        r"After step 5, good leads with .* of 0\.\d{3} .* on 36 masks of 18 patients in 3 datasets", answer
    )
    assert "unseen targets (n = 18 and 18)" in answer


def test_page_states_definitions_and_version(files):
    """Definitions that are passed in stand on both pages, as does the version of the aggregator."""
    for path in (files[0], files[3]):
        text = path.read_text(encoding="utf-8")
        assert "twice the overlap over the sum" in text
        assert f"aggregator {VERSION}" in text


def test_page_loads_nothing(files):
    """The page has no link to a script, a style sheet, a font or an image outside itself."""
    text = files[3].read_text(encoding="utf-8")
    assert re.findall(r'(?:src|href)="(?!#|data:,)[^"]*"', text) == []
    assert "@import" not in text
    assert set(re.findall(r"https?://[^\"' <]+", text)) == {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert len(re.findall(r'role="img" aria-labelledby=', text)) == text.count("<svg ") > 2
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))


def test_markup_in_names_stays_text(make_run, tmp_path):
    """A model, dataset, title or licence that is written like markup is printed, not obeyed."""
    datasets = [{"dataset": HOSTILE, "title": "<img src=x onerror=alert(1)>", "licence": "<b>", "citation": HOSTILE}]
    run = make_run(patients_of(HOSTILE), HOSTILE, card={"description": HOSTILE}, datasets=datasets)
    texts = contents(write([run], tmp_path / "out"))
    page = texts["index.html"].replace("<script>\n", "", 1)
    assert "<script>" not in page
    assert "<img" not in page
    assert "&lt;script&gt;alert(" in page
    assert "<script" not in texts["leaderboard.md"]
    assert "&lt;script&gt;" in texts["leaderboard.md"]
    rows = list(csv.DictReader(texts["leaderboard.csv"].splitlines()))
    assert {row["model"] for row in rows} == {HOSTILE}


def patients_of(dataset):
    """Make six patients of one dataset."""
    return [{"patient_id": str(i), "dice": 0.1 * i, "dataset": dataset} for i in range(6)]


def test_markdown_table_keeps_its_columns(make_run, tmp_path):
    """A pipe in a name does not add a column."""
    text = write([make_run(patients_of("d|1"), "a|b")], tmp_path / "out")[0].read_text(encoding="utf-8")
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1


def test_a_dash_says_why(files):
    """What has no value is an en dash with its reason, in HTML as a tooltip, in Markdown in parentheses."""
    texts = contents(files)
    assert 'title="no mask with this score">\N{EN DASH}<' in texts["index.html"]
    assert "| \N{EN DASH} (covers only part of the suite) |" in texts["leaderboard.md"]


def test_unknown_facts_are_unknown(make_run, tmp_path):
    """Licences and digests that nobody wrote down are unknown, not blank."""
    text = write([make_run(patients_of("d1"), store={})], tmp_path / "out")[0].read_text(encoding="utf-8")
    assert "| store sha256 | unknown |" in text
    assert "| d1 | unknown | unknown | unknown |" in text


def test_limited_runs_are_announced(make_run, tmp_path):
    """A run of part of the suite says so above every number."""
    text = write([make_run(patients_of("d1"), limit=6)], tmp_path / "out")[0].read_text(encoding="utf-8")
    assert "Not the whole suite: these runs were started with a limit: net (limit 6)." in text.split("## ")[0]


@pytest.mark.parametrize(
    "facts",
    [
        {"suite": {"name": "tiny", "version": 2, "sha256": "aa"}},
        {"protocol": {"name": "clicks", "version": 2, "sha256": "xx"}},
        {"store": {"profile": "as-is", "sha256": "dd"}},
    ],
)
def test_runs_of_different_things_share_no_table(make_run, tmp_path, facts):
    """Runs of two suites, protocols or stores stand on two boards, and each page names its own model only."""
    paths = write([make_run(grid(), "a", "one"), make_run(grid(), "b", "two", **facts)], tmp_path / "out")
    boards = json.loads(paths[2].read_text(encoding="utf-8"))["boards"]
    assert sorted([[model["card"]["name"] for model in board["models"]] for board in boards]) == [["a"], ["b"]]
    assert all(board["comparisons"] == [] for board in boards)


def test_two_runs_of_one_model_are_refused(make_run, tmp_path):
    """One model name is one line of the table."""
    with pytest.raises(UsageError, match="one and two are both runs of net; give one of them"):
        write([make_run(grid(), folder="one"), make_run(grid(), folder="two")], tmp_path / "out")


def test_different_tolerances_are_refused(make_run, tmp_path):
    """NSD at 1 mm and at 2 mm are two metrics."""
    runs = [make_run(grid(nsd=0.5), "a"), make_run(grid(nsd=0.5, tolerance=1.0), "b")]
    with pytest.raises(UsageError, match=r"tolerance of NSD: d0/p0#0 has 1 mm, 2 mm"):
        write(runs, tmp_path / "out")


def test_no_runs_are_refused(tmp_path):
    """Without a run the message says what to type."""
    with pytest.raises(UsageError, match=r"bench leaderboard RUN\.\.\. --out DIR"):
        write([], tmp_path)


@pytest.mark.parametrize("name", ["run.json", "scores.parquet"])
def test_missing_file_is_named(make_run, tmp_path, name):
    """A folder that lacks one of the two files is refused by that file's name."""
    run = make_run(grid())
    (run / name).unlink()
    with pytest.raises(StoreError, match=rf"has no {re.escape(name)}; .*bench run"):
        write([run], tmp_path / "out")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"status": "okay"}, "status 'okay', not one of ok, failed"),
        ({"dice": float("inf")}, "infinite score where null was meant"),
        ({"mask_id": "same"}, "has same at step 1 twice"),
        ({"model": "other"}, "run.json is of model net, scores.parquet of other"),
    ],
)
def test_rows_that_cannot_be_counted_are_refused(make_run, tmp_path, columns, message):
    """An unknown status, an infinite score, a mask twice or another model's rows make no leaderboard."""
    with pytest.raises(StoreError, match=message):
        write([make_run(grid(**columns))], tmp_path / "out")


def test_lacking_columns_are_named(make_run, tmp_path):
    """A table of another schema is refused by the columns that it lacks."""
    run = make_run(grid())
    table = pq.read_table(run / "scores.parquet")
    pq.write_table(table.drop_columns(["nsd", "patient_id"]), run / "scores.parquet")
    with pytest.raises(StoreError, match="lacks the columns nsd, patient_id"):
        write([run], tmp_path / "out")


def test_all_models_partial_means_no_winner(make_run, tmp_path):
    """When no model covers the suite the answer is that none is ranked."""
    rows = [row | ({"status": "unsupported", "dice": None} if row["dataset"] == "d2" else {}) for row in grid()]
    text = write([make_run(rows)], tmp_path / "out")[0].read_text(encoding="utf-8")
    assert "No model covers the whole suite, so none is ranked." in text
