import json

import pytest

from bench.cli import main
from bench.training import leaks, seen_table
from bench.training.cards import TrainingCard, load_card
from bench.training.kin import Kin
from bench.training.seen import image_seen, seen
from curate import manifest
from curate.errors import ConfigError
from curate.files import sha256_of_file, write_json
from curate.schema import PER_DATASET

HEADING = {"name": "mine", "version": "1", "source": "a test"}


def card(*datasets, **more):
    """Return a card in memory."""
    return TrainingCard.model_validate({"card": HEADING, "datasets": datasets, **more})


def listed(name, **more):
    """Return one dataset of a card."""
    return {"id": name, "name": name, "modalities": ["CT"], "targets": ["liver"], **more}


def amend(store, table, dataset, change):
    """Rewrite the rows of one table of a store."""
    path = store / manifest.table_path(table, dataset)
    rows = manifest.read_table(store, table, [dataset]).to_pylist()
    manifest.write_table(path, PER_DATASET[table], [{**row, **(change(row) or {})} for row in rows])
    content = manifest.read_store(store)
    content["files"][manifest.table_path(table, dataset)] = sha256_of_file(path)
    write_json(store / manifest.STORE_PATH, content)


@pytest.fixture
def told_store(own_store):
    """Return a store whose images each have a voxel hash of their own: `v:<image_id>`."""
    for dataset in ("hard", "pictures"):
        amend(own_store, "images", dataset, lambda row: {"voxel_sha256": f"v:{row['image_id']}"})
    return own_store


@pytest.fixture
def voxel_list(tmp_path):
    """Return a CSV file with the hash of one image."""
    path = tmp_path / "trained.csv"
    path.write_text("name,voxel_sha256\nscan-7,v:hard/permuted\nother,v:elsewhere\n", encoding="utf-8")
    return path


def found(leaks_):
    """Return (evidence, image_id) pairs."""
    return [(leak.evidence, leak.image_id) for leak in leaks_]


def test_same_voxels_are_found_under_any_name(told_store, voxel_list, everything):
    """An image whose voxel hash is in the training manifest is a certain leak, though no dataset is listed."""
    (leak,) = leaks.find(everything, card(manifests=[{"path": str(voxel_list)}]), told_store)
    assert (leak.evidence, leak.image_id, leak.masks, leak.is_certain) == ("same voxels", "hard/permuted", 3, True)


def test_same_voxels_are_seen_in_the_table_of_a_store(told_store, voxel_list, everything):
    """`bench seen --store` counts the masks of that image as seen, and says why."""
    rows = seen_table.table(everything, card(manifests=[{"path": str(voxel_list)}]), told_store)
    (row,) = [row for row in rows if (row.level, row.computed) == ("image", "seen")]
    assert (row.masks, row.why) == (3, "its voxels are in a manifest of the training set")


def test_a_trained_split_is_certain_and_the_rest_of_its_dataset_is_not(told_store, everything):
    """Of a listed dataset, the image of the official train split was trained on; of the others it is not known."""
    result = leaks.find(everything, card(listed("hard")), told_store)
    assert found(result) == [
        ("trained split", "hard/oblique"),
        ("dataset trained on", "hard/flipped"),
        ("dataset trained on", "hard/permuted"),
    ]
    assert [leak.is_certain for leak in result] == [True, False, False]


def test_held_out_images_are_no_leaks(told_store, everything):
    """What the card holds out, by split or by name, is not listed."""
    told = listed("hard", trained_splits=[], held_out_splits=["train"], held_out_images=["hard/flipped"])
    assert found(leaks.find(everything, card(told), told_store)) == [("dataset trained on", "hard/permuted")]


def test_a_case_that_was_taken_from_a_trained_one_is_found(told_store, everything):
    """An image whose recipe names its origin is certain when that case was trained on, and so is the way back."""
    amend(told_store, "images", "pictures", lambda _: {"origin": "hard/oblique"})
    forward = leaks.find(everything, card(listed("hard")), told_store)
    assert ("same case", "pictures/photo") in found(forward)
    assert next(leak.why for leak in forward if leak.evidence == "same case") == (
        "it is also hard/oblique, which was trained on"
    )
    amend(told_store, "splits", "pictures", lambda _: {"split": "train", "origin": "official"})
    backward = leaks.find(everything, card(listed("pictures")), told_store)
    assert found(backward) == [("trained split", "pictures/photo"), ("same case", "hard/oblique")]


def test_datasets_that_share_images_are_named_as_possible(told_store, everything, monkeypatch):
    """Where lineage knows that datasets share images but not which, every image is listed and none is certain."""
    links = {("hard", "bigger"): "yes", ("pictures", "bigger"): "likely"}

    class Table:
        links = ()

        def sharing(self, one, other):
            return links.get((one, other), "no")

    monkeypatch.setattr("bench.training.leaks.Lineage.load", Table)
    monkeypatch.setattr("bench.training.evidence.Lineage.load", Table)
    monkeypatch.setattr("bench.training.seen._sharing", lambda one, other: links.get((one, other), "no"))
    result = leaks.find(everything, card(listed("bigger")), told_store)
    assert found(result) == [
        *[("shares images", f"hard/{name}") for name in ("flipped", "oblique", "permuted")],
        ("may share", "pictures/photo"),
    ]
    assert not any(leak.is_certain for leak in result)


def test_kits23_in_kits19_is_known_by_the_shipped_lineage():
    """Rows of a finished run give the same levels: KiTS23 re-uses KiTS19, and what rows call seen is certain."""
    images = [("kits23", "kits23/a", "unknown", 2), ("kits23", "kits23/b", "seen", 1), ("word", "word/c", "unseen", 1)]
    result = leaks.of_rows(card(listed("kits19")), images)
    assert found(result) == [("same voxels", "kits23/b"), ("shares images", "kits23/a")]
    assert "which ones is not known" in result[1].why


def test_nothing_is_said_of_a_model_that_tells_nothing(told_store, everything):
    """Without a card there are no leaks to be named, neither from a store nor from rows."""
    assert leaks.find(everything, None, told_store) == ()
    assert leaks.of_rows(None, [("hard", "hard/x", "unknown", 1)]) == ()


@pytest.mark.parametrize(
    ("model", "found_"),
    [
        ({"training_card": "sam-med3d"}, [("trained split", "amos22/x")]),
        ({"training_card": "sam-med3d@no-such-stage"}, []),
        ({"training_card": "../manifests/cards/sam-med3d.toml"}, []),
        ({"training_card": ["sam-med3d"]}, []),
        ({"training_card": None}, []),
        (None, []),
    ],
)
def test_a_finished_run_is_asked_by_the_card_that_ships(model, found_):
    """The card that `run.json` names is looked up among those that ship; a path in it is never opened."""
    assert found(leaks.of_run({"model": model}, [("amos22", "amos22/x", "seen", 1)])) == found_


def test_every_level_is_counted(told_store, everything):
    """Counts name all levels, surest first, those without images too."""
    counts = leaks.counts(leaks.find(everything, card(listed("hard")), told_store))
    assert list(counts) == list(leaks.EVIDENCE)
    assert (counts["trained split"], counts["dataset trained on"], counts["same voxels"]) == (1, 2, 0)


def test_a_store_is_a_training_manifest_by_its_splits(told_store, tmp_path, everything):
    """Of a training store, the images of the named splits count; the others were not trained on."""
    path = tmp_path / "card.toml"
    text = 'datasets = []\n[card]\nname = "m"\nversion = "1"\nsource = "t"\n[[manifests]]\npath = "own-store"\n'
    path.write_text(text, encoding="utf-8")
    assert found(leaks.find(everything, load_card(str(path)), told_store)) == [("same voxels", "hard/oblique")]
    path.write_text(text + 'splits = ["test"]\n', encoding="utf-8")
    names = ["hard/flipped", "hard/permuted", "pictures/photo"]
    assert [leak.image_id for leak in leaks.find(everything, load_card(str(path)), told_store)] == names


def test_an_included_card_brings_its_manifest(voxel_list, tmp_path):
    """What a card includes was trained on with all its manifests; a stage has only its own."""
    base = 'datasets = []\n[card]\nname = "m"\nversion = "1"\nsource = "t"\n'
    inner = (
        base + '[[stages]]\nname = "one"\ndescription = "d"\n[[manifests]]\npath = "trained.csv"\nstages = ["one"]\n'
    )
    (tmp_path / "inner.toml").write_text(inner + '[[stages]]\nname = "two"\ndescription = "d"\n', encoding="utf-8")
    outer = tmp_path / "outer.toml"
    outer.write_text(f'includes = ["{tmp_path}/inner.toml"]\n{inner.replace("trained.csv", str(voxel_list))}')
    assert load_card(str(outer)).voxel_sha256 == {"v:hard/permuted", "v:elsewhere"}
    assert len(load_card(str(outer)).manifests) == 2
    assert load_card(f"{tmp_path}/inner.toml@one").voxel_sha256 == {"v:hard/permuted", "v:elsewhere"}
    assert load_card(f"{tmp_path}/inner.toml@two").voxel_sha256 == frozenset()


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "cannot be read"), ("hash\nv\n", "no column `voxel_sha256`"), (b"\xff\xfe", "cannot be read")],
)
def test_a_manifest_that_cannot_be_read_is_one_line(tmp_path, content, message):
    """A path that is not there, a CSV without the column and a binary file are refused by name."""
    path = tmp_path / "list.csv"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigError, match=f"training manifest .*list.csv: {message}"):
        _ = card(manifests=[{"path": str(path)}]).voxel_sha256


def test_a_folder_that_is_no_store_is_one_line(tmp_path):
    """A folder must be a finished store."""
    with pytest.raises(ConfigError, match=r"training manifest .*no finished store here"):
        _ = card(manifests=[{"path": str(tmp_path)}]).voxel_sha256


def test_the_same_voxels_make_an_image_seen(voxel_list):
    """A match by hash outweighs everything else that a card says of the image; no match changes nothing."""
    told = card(manifests=[{"path": str(voxel_list)}])
    question = {"target": "liver", "modality": "CT", "dataset": "hard", "image_id": "hard/permuted", "split": None}
    assert seen(told, **question, voxel_sha256="v:hard/permuted").image == "seen"
    assert seen(told, **question, voxel_sha256="v:hard/flipped").image == "unknown"
    assert seen(told, **question).image == "unknown"
    held_out = card(listed("hard", held_out_images=["hard/permuted"]), manifests=[{"path": str(voxel_list)}])
    assert image_seen(held_out, "hard", "hard/permuted", None, "v:hard/permuted") == "seen"


def test_cases_of_one_dataset_are_no_kin(told_store):
    """Channels of one case are not each other's copies; an image without origin has no kin."""
    kin = Kin.of_store(told_store)
    rows = manifest.read_table(told_store, "images").to_pylist()
    assert [list(kin.same_case(row)) for row in rows] == [[]] * len(rows)


def test_the_command_lists_images_and_exits_with_1(told_store, tmp_path, capsys):
    """Certain leaks are printed by name, possible ones counted by dataset; without certain ones the status is 0."""
    path = tmp_path / "card.toml"
    dataset = '[[datasets]]\nid = "hard"\nname = "Hard"\nmodalities = ["CT"]\ntargets = ["liver"]\n'
    path.write_text(f'[card]\nname = "m"\nversion = "1"\nsource = "t"\n{dataset}', encoding="utf-8")
    assert main(["leaks", str(path), "all", "--store", str(told_store)]) == 1
    out = capsys.readouterr().out
    assert "hard/oblique" in out
    assert "hard/flipped" not in out
    assert "trained split 1, same case 0, dataset trained on 2" in out
    assert main(["leaks", str(path), "all", "--store", str(told_store), "--json"]) == 1
    assert [leak["image_id"] for leak in json.loads(capsys.readouterr().out)["leaks"]][1:] == [
        "hard/flipped",
        "hard/permuted",
    ]
    assert main(["leaks", "untrained", "all", "--store", str(told_store)]) == 0
