"""Which runs may stand in one study."""

import pytest

from bench.transfer.reading import read_study
from curate.errors import UsageError


def test_variants_of_one_suite(make_run):
    """Runs of a suite and of its variant stand in one study, each named by what sets it apart."""
    clicks = make_run([{"dice": 0.5}])
    suite = {"name": "tiny@box", "version": 1, "sha256": "dd"}
    protocol = {"name": "box", "version": 1, "parameters": {}, "sha256": "ee"}
    row = {"dice": 0.6, "suite": "tiny@box", "protocol": "box@1", "protocol_hash": "ee"}
    box = make_run([row], suite=suite, protocol=protocol)
    other = make_run([{"dice": 0.7}], model="other")
    study = read_study([other, box, clicks])
    assert [one.label for one in study.series] == ["net, box@1", "net, clicks@2", "other"]
    assert study.suite == "tiny"


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"suite": {"name": "other", "version": 1, "sha256": "aa"}}, "differ in suite: .* tiny version 1 and other"),
        ({"suite": {"name": "tiny", "version": 2, "sha256": "aa"}}, "tiny version 1 and tiny version 2"),
        ({"store": {"profile": "as-is", "sha256": "dd"}}, "differ in the sha256 of the store"),
        (
            {"suite": {"name": "tiny", "version": 1, "sha256": "aa", "content": {"groups": [{"name": "x"}]}}},
            "differ in the groups of suite tiny",
        ),
    ],
)
def test_other_tasks(make_run, facts, message):
    """Runs of another suite, another version or other masks, or on another store are refused, in one line."""
    folders = [make_run([{"dice": 0.5}]), make_run([{"dice": 0.5}], model="z", **facts)]
    with pytest.raises(UsageError, match=message) as caught:
        read_study(folders)
    assert "\n" not in str(caught.value)


def test_same_run_twice(make_run):
    """Two runs of one model with one protocol are refused by name."""
    folders = [make_run([{"dice": 0.5}], folder="a"), make_run([{"dice": 0.5}], folder="b")]
    with pytest.raises(UsageError, match="a and b are both runs of net with clicks@2"):
        read_study(folders)


def test_no_run():
    """No run at all is refused with what to type."""
    with pytest.raises(UsageError, match=r"bench transfer RUN\.\.\."):
        read_study([])


def test_statement_of_the_suite(make_run):
    """What the suite's groups state stands in the study; a group that states nothing is left out."""
    groups = [{"name": "a", "stated": "seen"}, {"name": "b", "stated": None}]
    folder = make_run(
        [{"dice": 0.5}], suite={"name": "tiny", "version": 1, "sha256": "aa", "content": {"groups": groups}}
    )
    assert read_study([folder]).stated == {"a": "seen"}


def test_targets_of_a_card(make_run):
    """The targets of a shipped training card are known; a card that is not there is none."""
    shipped = make_run([{"dice": 0.5}], card={"training_card": "sam-med3d"})
    gone = make_run([{"dice": 0.5}], model="z", card={"training_card": "/no/such/card.toml"})
    known, unknown = (one.trained_on for one in read_study([shipped, gone]).series)
    assert "liver" in known
    assert unknown is None
