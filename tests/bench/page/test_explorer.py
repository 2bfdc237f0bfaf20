import numpy as np
import pytest

from bench.page import FOLDER
from bench.page.cube import LEVELS, OF_MASK, cube
from curate.webpage import assets

HOSTILE = "</script><script>document.title='owned'</script>\u202egnp.exe"
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}"></head><body>
<section><p class="unscripted">needs JavaScript</p>
<div class="explorer" hidden><form></form><p role="status"></p><table><thead></thead><tbody></tbody></table></div>
<script type="application/json" id="cube">{cube}</script></section>
<script>{script}</script></body></html>"""


@pytest.fixture
def explorer(opened, tmp_path):
    """Return a function that opens a page with the explorer of some runs."""

    def show(runs):
        script = assets.text_of(FOLDER / "explorer.js")
        text = _PAGE.format(policy=assets.policy("", [script]), cube=assets.to_json(cube(runs)), script=script)
        path = tmp_path / "explorer.html"
        path.write_text(text, encoding="utf-8")
        return opened(path)

    return show


def answers(page):
    """Read the table: model -> texts of its cells."""
    rows = page.locator("tbody tr").evaluate_all("rows => rows.map(row => [...row.cells].map(one => one.innerText))")
    return {name: [cell.replace("\n", " ") for cell in cells] for name, *cells in rows}


def choose(page, title, text):
    """Set one select by what a reader sees."""
    page.get_by_label(title, exact=True).select_option(label=text)


def random_rows(number, model):
    """Make masks whose words are drawn at random, two steps each, some failed and some unsupported."""
    rng = np.random.default_rng([number, model])
    shared = np.random.default_rng(number)
    rows = []
    for mask in range(number):
        words = {
            "modality": str(shared.choice(["CT", "MR", "US"])),
            "anatomy_group": [None, "abdomen", "brain"][shared.integers(3)],
            "kind": str(shared.choice(["organ", "lesion"])),
            "dataset": f"d{shared.integers(4)}",
            "target": f"t{shared.integers(30)}",
            "seen_target": str(rng.choice(["seen", "unseen", "unknown"])),
        }
        for step in (1, 5):
            status = str(rng.choice(["ok", "ok", "ok", "failed", "unsupported"]))
            dice = float(rng.uniform()) if status == "ok" else None
            rows.append({"mask_id": f"m{mask:05}", "step": step, "status": status, "dice": dice} | words)
    return rows


def mean_of(run, step, **words):
    """Average by plain Python: failures are 0, masks that were not asked are left out."""
    values = [
        row["dice"] if row["status"] == "ok" else 0.0
        for row in run.scores.to_dict("records")
        if row["step"] == step
        and row["status"] in ("ok", "failed")
        and all(row[name] == word for name, word in words.items())
    ]
    return f"{sum(values) / len(values):.3f} n = {len(values):,}"


def test_cube_by_hand(finished):
    """0.8 and a failure of one target make n = 2 and the sum 0.8; an unsupported mask is in no cell."""
    run = finished([{"dice": 0.8}, {"status": "failed"}, {"status": "unsupported"}, {"dice": 0.5, "target": "spleen"}])
    found = cube([run])
    assert found["dimensions"][OF_MASK.index("target")]["values"] == ["liver", "spleen"]
    places = len(OF_MASK) + len(LEVELS)
    assert [cell[places:] for cell in found["cells"][0]] == [[2, 0.8], [1, 0.5]]


def test_seeds_of_a_mask_are_averaged_before_anything_is_counted(finished):
    """Three seeds with 0.2, 0.4 and a failure are one mask of Dice 0.2."""
    rows = [{"mask_id": "m", "seed": 0, "dice": 0.2}, {"mask_id": "m", "seed": 1, "dice": 0.4}]
    (cell,) = cube([finished([*rows, {"mask_id": "m", "seed": 2, "status": "failed"}])])["cells"][0]
    assert cell[-2:] == [1, 0.2]


def test_cells_add_up_to_all_masks(finished):
    """Whatever the words, the cells of a step hold every counted mask once and all of its Dice."""
    run = finished(random_rows(300, 1))
    counted = run.scores[run.scores["status"].isin(["ok", "failed"])]
    cells = np.array(cube([run])["cells"][0])
    for at, step in ((-4, 1), (-2, 5)):
        rows = counted[counted["step"] == step]
        assert cells[:, at].sum() == len(rows)
        assert cells[:, at + 1].sum() == pytest.approx(rows["dice"].sum(), abs=1e-4)


def test_filters_give_the_mean_of_the_masks_that_they_leave(explorer, finished):
    """Any combination of filters shows the mean and n that plain Python finds, and reset shows all masks again."""
    runs = [finished(random_rows(400, 1), "a"), finished(random_rows(400, 2), "b")]
    page, said = explorer(runs)
    assert answers(page) == {run.model: [mean_of(run, 5)] for run in runs}
    choose(page, "modality", "MR")
    choose(page, "kind", "lesion")
    choose(page, "target seen?", "unknown")
    choose(page, "step", "1")
    wanted = {"modality": "MR", "kind": "lesion", "seen_target": "unknown"}
    assert answers(page) == {run.model: [mean_of(run, 1, **wanted)] for run in runs}
    page.get_by_role("button", name="show all").click()
    page.get_by_text("Step 5, ").wait_for()
    assert answers(page) == {run.model: [mean_of(run, 5)] for run in runs}
    assert said.console == []


def test_columns_split_by_a_dimension(explorer, finished):
    """With columns by dataset every dataset has the mean of its own masks."""
    run = finished(random_rows(200, 1), "a")
    page, _ = explorer([run])
    choose(page, "columns", "dataset")
    assert page.locator("thead th").all_inner_texts() == ["Model", "d0", "d1", "d2", "d3"]
    assert answers(page)["a"] == [mean_of(run, 5, dataset=f"d{at}") for at in range(4)]


def test_a_choice_without_masks_says_so(explorer, finished):
    """Filters that leave nothing give no number."""
    page, _ = explorer([finished([{"dice": 0.5}, {"dice": 0.5, "modality": "MR", "target": "brain"}], "a")])
    choose(page, "modality", "MR")
    choose(page, "target", "liver")
    assert page.get_by_role("status").inner_text() == "No mask is like this."
    assert answers(page) == {"a": []}


def test_hostile_names_in_the_data_stay_text(explorer, finished):
    """A name that would end the script element runs nothing, and a mark that turns the direction is spelled out."""
    page, said = explorer([finished([{"dice": 0.5, "target": HOSTILE, "dataset": HOSTILE}], HOSTILE)])
    shown = HOSTILE.replace("\u202e", "[U+202E]")
    assert list(answers(page)) == [shown]
    assert page.get_by_label("target", exact=True).locator("option").all_inner_texts() == ["all", shown]
    assert (page.title(), said.console) == ("", [])


@pytest.mark.slow
def test_twenty_models_of_twelve_thousand_masks_stay_responsive(explorer, finished, tmp_path):
    """A filter of 20 models x 12,000 masks is answered within 200 ms, from a page below 10 MB."""
    rows = random_rows(12_000, 0)
    runs = [finished(rows, f"model {number}") for number in range(20)]
    page, _ = explorer(runs)
    assert (tmp_path / "explorer.html").stat().st_size < 10e6
    change = """([label, value]) => {
        const labels = [...document.querySelectorAll("label")];
        const select = document.getElementById(labels.find(one => one.textContent === label).htmlFor);
        const start = performance.now();
        select.value = value;
        select.dispatchEvent(new Event("change"));
        document.body.offsetHeight;
        return performance.now() - start;
    }"""
    taken = [page.evaluate(change, [label, str(at)]) for label in ("modality", "kind", "columns") for at in (1, 0)]
    assert max(taken) < 200, taken
    assert len(answers(page)) == 20
