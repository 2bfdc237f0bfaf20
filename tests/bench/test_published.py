"""Published results: every row is sound, and what a paper computed from its own numbers comes out again."""

from collections import defaultdict

import numpy as np
import pytest
from scipy.optimize import linprog

from bench import published, suite
from bench.page import published_tables
from bench.published import CLICKS_PER, LEVELS, UNITS, Result, of_suite, papers, results
from bench.training.cards import load_card
from curate.errors import ConfigError
from curate.plugins import shipped_names
from curate.vocabulary import ANATOMY_GROUPS

SHARES_OF_SEEN = {
    "abdomen_thorax": 0.282,
    "bone": 0.536,
    "brain": 0.018,
    "cardiac": 0.046,
    "muscle": 0.090,
    "lesion": 0.028,
}
"""Shares of masks, recovered by least squares from the ten rows of tables 3 and 5 of SAM-Med3D."""
ROUNDING = 0.02
"""Shares are known to three digits and figures to two decimals: off by so much, in percent points, at most."""


def table(paper, place):
    """Return the rows of one table by (model, weights, clicks, clicks_per), each target level and group -> value."""
    found = defaultdict(dict)
    for one in results():
        if (one.paper, one.place, one.metric) == (paper, place, "dice"):
            key = (one.model, one.weights, one.clicks, one.clicks_per)
            found[key][one.target_level, one.group or one.dataset] = one.value
    return found


def test_the_overall_figures_of_sam_med3d_are_means_over_masks():
    """In all ten rows of table 3, overall = 0.873 seen + 0.127 unseen, within rounding."""
    rows = table("sam-med3d", "table 3")
    assert len(rows) == 10
    for row in rows.values():
        assert 0.873 * row["seen", None] + 0.127 * row["unseen", None] == pytest.approx(row["all", None], abs=0.01)


def test_seen_and_unseen_of_sam_med3d_are_means_over_its_structures():
    """In all ten rows, seen and unseen of table 3 are the weighted means of the columns of table 5."""
    whole, parts = table("sam-med3d", "table 3"), table("sam-med3d", "table 5")
    assert whole.keys() == parts.keys()
    for key, part in parts.items():
        seen = sum(share * part["seen", group] for group, share in SHARES_OF_SEEN.items())
        assert seen == pytest.approx(whole[key]["seen", None], abs=ROUNDING)
        unseen = 0.875 * part["unseen", "organ"] + 0.125 * part["unseen", "lesion"]
        assert unseen == pytest.approx(whole[key]["unseen", None], abs=ROUNDING)


def test_the_pre_study_averages_seen_and_unseen():
    """In table 2, overall is the plain mean of the two."""
    rows = table("sam-med3d", "table 2")
    assert len(rows) == 3
    for row in rows.values():
        mean = (row["seen", "amos22"] + row["unseen", "totalsegmentator-v1"]) / 2
        assert mean == pytest.approx(row["all", None], abs=0.0051)


def test_one_mean_of_the_transfer_study_is_not_the_mean_of_its_figures():
    """In table 6, the first mean is that of its four figures; the second is 0.03 too high, and its note says so."""
    off = {}
    for key, row in table("sam-med3d", "table 6").items():
        mean = row.pop(("all", "mean of the four datasets"))
        off[key[1]] = mean - sum(row.values()) / 4
    assert off["trained from scratch"] == pytest.approx(0, abs=0.0051)
    assert off["encoder of SAM-Med3D"] == pytest.approx(0.0275, abs=1e-9)
    notes = [one.note for one in results() if one.place == "table 6" and one.value == 85.79]
    assert notes == ["semantic segmentation; as printed: its four figures give 85.76"]


def test_the_ablation_ends_with_the_final_model():
    """The last row of table 7 repeats the row of 10 clicks of table 5 wherever both have a column, but for brain."""
    final = table("sam-med3d", "table 5")["SAM-Med3D", "after stage 2", 10, "volume"]
    last = table("sam-med3d", "table 7")["SAM-Med3D", "after stage 2", None, "volume"]
    assert {key for key in final.keys() & last.keys() if final[key] != last[key]} == {("seen", "brain")}
    assert last["seen", "vertebrae"] > final["seen", "bone"] > last["seen", "bone without vertebrae"]


def test_the_weighted_means_of_sam_med2d_share_one_set_of_weights():
    """Nine weights that add up to 1 explain all six weighted means of the zero-shot table, within rounding."""
    columns = defaultdict(dict)
    for one in of_suite("sam-med2d-miccai23"):
        columns[one.model, one.weights, one.protocol][one.dataset] = one.value
    assert len(columns) == 6
    means = np.array([column.pop(None) for column in columns.values()])
    names = sorted(next(iter(columns.values())))
    values = np.array([[column[name] for name in names] for column in columns.values()])
    worst = np.ones((len(means), 1))
    fit = linprog(
        [0] * len(names) + [1],
        A_ub=np.block([[values, -worst], [-values, -worst]]),
        b_ub=np.concatenate([means, -means]),
        A_eq=[[1] * len(names) + [0]],
        b_eq=[1],
    )
    assert len(names) == 9
    assert fit.fun < 0.01


def test_every_published_suite_dataset_and_group_is_known():
    """Suites ship, their groups are theirs or anatomical, and datasets are those of the suite."""
    parts = {"organ", "vertebrae", "bone without vertebrae", "mean of the four datasets"} | ANATOMY_GROUPS.keys()
    shipped = {name: suite.load(name) for name in {one.suite for one in results()} - {None}}
    assert shipped.keys() <= set(shipped_names("suites"))
    for one in results():
        groups = shipped[one.suite].groups if one.suite else ()
        datasets = {name.partition(":")[0] for group in groups for name in group.datasets}
        assert one.suite is None or one.dataset in datasets | {None}
        assert one.group in parts | {group.name for group in groups} | {None}


def test_every_published_number_keeps_to_the_closed_lists():
    """Levels, units and kinds of click are from the lists, every paper is described, and no number is its own twin."""
    for one in results():
        assert one.paper in papers()
        assert (one.target_level in LEVELS, one.unit in UNITS) == (True, True)
        assert one.clicks_per in {*CLICKS_PER, None}
        assert one.unit != "%" or 0 <= one.value <= 100
    assert len(set(results())) == len(results())


def test_every_table_of_the_papers_is_there():
    """Rows times columns, less the cells that are empty in the paper, for every table that was read."""
    counts = defaultdict(int)
    for one in results():
        counts[one.paper, one.place] += 1
    assert counts == {
        ("sam-med3d", "table 2"): 3 * 3,
        ("sam-med3d", "table 3"): 10 * 4,
        ("sam-med3d", "table 4"): 6 * 6 - 5 - 1,
        ("sam-med3d", "table 5"): 10 * 8,
        ("sam-med3d", "table 6"): 2 * 5,
        ("sam-med3d", "table 7"): 5 * 9,
        ("sam-med3d-readme", "table of results"): 7 * 9 - 2 * 2 + 5,
        ("sam-med2d", "table of overall results"): 4 * 5,
        ("sam-med2d", "table of zero-shot results"): 10 * 6,
        ("sam-unet", "abstract"): 1,
    }


def test_doubts_are_told():
    """The two columns of the withdrawn table that look exchanged carry a warning, and no other row of it does."""
    doubtful = [one for one in results() if "doubtful" in (one.note or "")]
    assert {(one.weights, one.group) for one in doubtful} == {
        ("sam_med3d_turbo.pth", "cardiac"),
        ("sam_med3d_turbo.pth", "gland"),
    }


def test_the_paper_improves_as_it_says():
    """The text claims 60.12 points of Dice from SAM to SAM-Med3D with one click, which is table 3's difference."""
    rows = table("sam-med3d", "table 3")
    gain = (
        rows["SAM-Med3D", "after stage 2", 1, "volume"]["all", None] - rows["SAM", "official", 1, "slice"]["all", None]
    )
    assert gain == pytest.approx(60.12, abs=1e-9)


def test_sam_med3d_is_faster_than_sam_from_twenty_slices_on():
    """The text says that SAM costs more time beyond 20 slices: 2 s are 15 clicks of SAM, 3 s are 3 clicks on 5."""
    seconds = {
        (one.model, one.clicks): one.value
        for one in results()
        if one.place == "table 3" and one.metric in ("seconds_per_click", "seconds_per_target")
    }
    assert len(seconds) == 10
    assert 15 < seconds["SAM-Med3D", 1] / seconds["SAM", 1] < 20
    assert seconds["SAM-Med3D", 3] / (3 * seconds["SAM", 3]) < 20


def test_a_variant_shows_what_was_published_for_its_suite():
    """Published numbers belong to the tasks, whatever the prompts; a suite without any has none."""
    assert of_suite("sam-med3d-16@inference-2025") == of_suite("sam-med3d-16")
    assert len(of_suite("sam-med3d-16")) == 40 + 80 + 45
    assert of_suite("all") == ()


def test_a_number_that_cannot_be_read_is_named_with_its_line(tmp_path, monkeypatch):
    """A cell that is no number is refused with file and line."""
    header = ",".join(Result.__slots__)
    (tmp_path / "x.csv").write_text(f"{header}\n{',' * 12}many{',' * 5}\n", encoding="utf-8")
    monkeypatch.setattr(published, "shipped_folder", lambda _kind: tmp_path)
    with pytest.raises(ConfigError, match=r"x\.csv:2: could not convert string to float: 'many'"):
        results()


def test_published_rows_are_marked_in_every_row():
    """On a leaderboard each published row says so itself, names its source, and stands in a table of its own."""
    rows = of_suite("sam-med3d-16")
    whole, parts = published_tables.whole(rows), published_tables.parts(rows)
    assert [len(one.groups[0].rows) for one in (whole, parts)] == [40, 125]
    first = [cell.text for cell in whole.groups[0].rows[0]]
    assert first[0] == "SAM (published)"
    assert first[4] == "random-error, 1 click per slice"
    assert first[6] == "Wang et al., ECCV 2024 workshops, table 3"
    assert first[-1] == "16.79 %"
    assert all(row[0].text.endswith("(published)") for row in (*whole.groups[0].rows, *parts.groups[0].rows))


def test_the_card_of_sam_med3d_names_the_weights_of_the_readme():
    """The checkpoints that the withdrawn table was made with are those that the training card speaks of."""
    notes = load_card("sam-med3d").card.notes
    weights = {one.weights for one in results() if one.paper == "sam-med3d-readme" and one.model == "SAM-Med3D"}
    assert {name for name in weights if name in notes} == {"sam_med3d.pth", "sam_med3d_turbo.pth"}
