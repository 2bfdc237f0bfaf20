import json

import pytest

from curate.errors import StoreError, UsageError
from curate.fetch import Outcome, fetch, plan
from curate.fetch.receipt import FOLDER
from curate.files import held

from .conftest import download, md5

CONTENT = bytes(range(256)) * 4000
NO_WAIT = (0, 0, 0)


def get(server, folder, name="image.nii.gz", **facts):
    """Fetch one file and return what became of it."""
    told = {"url": f"{server.root}/{name}", "name": name, "checksum": md5(CONTENT)} | facts
    (outcome,) = fetch(download(told), folder, waits_seconds=NO_WAIT)
    return outcome


def test_a_file_comes_whole_and_nothing_else_is_left_in_sight(server, tmp_path):
    """The file has the bytes of the server; besides it there is only the folder of receipts, without partial files."""
    server.put("image.nii.gz", CONTENT)
    assert get(server, tmp_path) == Outcome("image.nii.gz", "fetched", 1)
    assert (tmp_path / "image.nii.gz").read_bytes() == CONTENT
    assert sorted(path.name for path in tmp_path.iterdir()) == [FOLDER, "image.nii.gz"]
    assert [path.name for path in (tmp_path / FOLDER).iterdir() if ".part" in path.name] == []


def test_a_file_that_is_there_is_not_asked_for_again(server, tmp_path):
    """The second fetch makes no request; after the file was cut it is fetched anew."""
    server.put("image.nii.gz", CONTENT)
    get(server, tmp_path)
    assert get(server, tmp_path) == Outcome("image.nii.gz", "there", 0)
    assert len(server.requests) == 1
    (tmp_path / "image.nii.gz").write_bytes(CONTENT[:7])
    assert get(server, tmp_path).state == "fetched"
    assert (tmp_path / "image.nii.gz").read_bytes() == CONTENT


def test_a_broken_off_download_goes_on_where_it_was(server, tmp_path):
    """Each further try asks for the bytes that are missing, and the parts make the whole."""
    server.put("image.nii.gz", CONTENT, breaks_after=[100_000, 50_000])
    assert get(server, tmp_path).state == "fetched"
    assert (tmp_path / "image.nii.gz").read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=100000-", "bytes=150000-"]


def test_the_next_run_goes_on_where_the_last_one_gave_up(server, tmp_path):
    """What came before a server broke off too often is kept, and the message says how much and what to do."""
    server.put("image.nii.gz", CONTENT, breaks_after=[100_000, 1, 1, 1])
    failed = get(server, tmp_path)
    assert failed.state == "failed"
    assert failed.detail.endswith(
        "the connection broke off; 100.0 kB are kept, and the same command goes on from there"
    )
    assert not (tmp_path / "image.nii.gz").exists()
    assert get(server, tmp_path).state == "fetched"
    assert server.ranges[-1] == "bytes=100003-"
    assert (tmp_path / "image.nii.gz").read_bytes() == CONTENT


def test_a_server_that_ignores_ranges_sends_all_of_it_again(server, tmp_path):
    """An answer of 200 to a request for a part begins at the first byte, and replaces what came before."""
    server.put("image.nii.gz", CONTENT, breaks_after=[100_000], ranges=False)
    assert get(server, tmp_path).state == "fetched"
    assert (tmp_path / "image.nii.gz").read_bytes() == CONTENT


def test_a_file_that_changed_between_two_tries_is_not_mixed(server, tmp_path):
    """The validator of the first answer goes with the second request, so that the new version comes whole."""
    server.put("image.nii.gz", b"old" * 100_000, breaks_after=[1000, 0, 0, 0], etag='"old"')
    assert get(server, tmp_path).state == "failed"
    server.put("image.nii.gz", CONTENT, etag='"new"')
    assert get(server, tmp_path).state == "fetched"
    assert (tmp_path / "image.nii.gz").read_bytes() == CONTENT


@pytest.mark.parametrize("how", [{"shift": 10}, {"shift": -10}])
def test_a_part_that_begins_elsewhere_is_not_used(server, tmp_path, how):
    """When the server sends another part than was asked for, the download starts anew."""
    server.put("image.nii.gz", CONTENT, breaks_after=[100_000], etag=None, **how)
    assert get(server, tmp_path).state == "fetched"
    assert server.ranges == [None, "bytes=100000-", None]
    assert (tmp_path / "image.nii.gz").read_bytes() == CONTENT


def test_a_file_that_became_shorter_is_started_anew(server, tmp_path):
    """A server that has less than has come answers 416; what has come is then forgotten."""
    server.put("image.nii.gz", b"x" * 3_000_000, breaks_after=[2_000_000, 0, 0, 0], etag=None)
    assert get(server, tmp_path).state == "failed"
    server.put("image.nii.gz", CONTENT, etag=None)
    assert get(server, tmp_path).state == "fetched"
    assert (tmp_path / "image.nii.gz").read_bytes() == CONTENT


def test_a_whole_file_that_was_not_put_in_its_place_yet_is_not_asked_for_again(server, tmp_path):
    """A run that was killed after the last byte leaves a whole partial file, which the next run only has to check."""
    server.put("image.nii.gz", CONTENT, breaks_after=[1000, 0, 0, 0])
    get(server, tmp_path)
    (partial,) = (tmp_path / FOLDER).glob("*.part")
    partial.write_bytes(CONTENT)
    requests = len(server.requests)
    assert get(server, tmp_path).state == "fetched"
    assert len(server.requests) == requests


@pytest.mark.parametrize(
    ("how", "facts", "message"),
    [
        ({"statuses": [404]}, {}, "image.nii.gz: the server answers 404 Not Found"),
        ({"statuses": [403]}, {}, "the server answers 403 Forbidden"),
        ({"statuses": [500] * 4}, {}, "image.nii.gz: the server answers 500 Internal Server Error"),
        ({}, {"checksum": f"md5:{'0' * 32}"}, "another checksum than the recipe states (md5:000000000"),
        (
            {},
            {"size_bytes": 7},
            "the server has 1.0 MB (1024000 bytes), the recipe states 7 bytes; the file was changed",
        ),
        ({"announced": -1}, {"size_bytes": 7, "checksum": None}, "more than 7 B came, which is what it should have"),
        ({"announced": 2_000_000}, {}, "image.nii.gz: the server has less than has come"),
        ({"announced": 1000}, {}, "another checksum than the recipe states"),
        (
            {"announced": -1},
            {"size_bytes": 2_000_000, "checksum": None},
            "has 1024000 bytes, the recipe states 2000000",
        ),
        ({"to": "/image.nii.gz"}, {}, "Exceeded 30 redirects"),
        ({"to": "ftp://127.0.0.1/x"}, {}, "ftp://127.0.0.1/x"),
    ],
)
def test_what_a_server_does_wrong_is_one_line(server, tmp_path, how, facts, message):
    """The outcome of the file says what came in place of it; no file stands under its name that is not whole."""
    server.put("image.nii.gz", CONTENT, **how)
    outcome = get(server, tmp_path, **facts)
    assert outcome.state == "failed"
    assert message in outcome.detail
    assert "\n" not in outcome.detail


def test_a_server_that_recovers_is_asked_again(server, tmp_path):
    """Answers of 503 and 429 are waited out, and a redirect is followed."""
    server.put("there", CONTENT, statuses=[503, 429])
    server.put("image.nii.gz", b"", to="/there")
    assert get(server, tmp_path).state == "fetched"
    assert (tmp_path / "image.nii.gz").read_bytes() == CONTENT


def test_a_file_that_is_not_there_is_asked_for_once(server, tmp_path):
    """A 404 will not go away, so it is not tried again."""
    get(server, tmp_path)
    assert len(server.requests) == 1


def test_no_server_at_all_is_one_line(server, tmp_path):
    """A refused connection is the outcome of the file."""
    server.http.server_close()
    assert "no connection, or none that lasts" in get(server, tmp_path).detail


def test_a_web_page_in_place_of_the_file_is_recognised(server, tmp_path):
    """A login page with status 200 is not taken for data, although the recipe states no checksum."""
    server.put("image.nii.gz", b"\n<!DOCTYPE html>\n<html><body>Log in</body></html>")
    outcome = get(server, tmp_path, checksum=None)
    assert "a web page came in place of the file; it may need a login now" in outcome.detail
    assert not (tmp_path / "image.nii.gz").exists()


def test_bytes_are_kept_as_they_are_on_the_server(server, tmp_path):
    """A server without Content-Length, as for files that it makes on the fly, is read to its end."""
    server.put("image.nii.gz", CONTENT, announced=-1)
    assert get(server, tmp_path).state == "fetched"


def test_a_checksum_that_no_source_states_is_said(server, tmp_path):
    """Without a checksum the file is fetched, and the outcome says that nothing but its size was checked."""
    server.put("image.nii.gz", CONTENT)
    outcome = get(server, tmp_path, checksum=None)
    assert (outcome.state, outcome.detail) == ("fetched", "the source states no checksum: only its size was checked")


def test_one_file_that_fails_does_not_stop_the_others(server, tmp_path):
    """Of three files the second is missing; the third is fetched all the same."""
    for name in ("a", "c"):
        server.put(name, CONTENT)
    files = [{"url": f"{server.root}/{name}", "name": f"sub/{name}.nii"} for name in "abc"]
    outcomes = fetch(download(*files), tmp_path, waits_seconds=NO_WAIT)
    assert [outcome.state for outcome in outcomes] == ["fetched", "failed", "fetched"]
    assert sorted(path.name for path in (tmp_path / "sub").iterdir()) == ["a.nii", "c.nii"]


def test_a_full_disk_stops_before_anything_comes(server, tmp_path, monkeypatch):
    """A file larger than the free space is refused with what it needs."""
    server.put("image.nii.gz", CONTENT)
    monkeypatch.setattr("curate.fetch.transfer.shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000})())
    with pytest.raises(UsageError, match=r"needs 1\.0 MB and has 1\.0 kB; give another folder with --out"):
        get(server, tmp_path)


def test_a_folder_that_cannot_be_written_is_wrong_usage(server, tmp_path):
    """A file in place of the folder is one line that names it."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match=r"file/\.fetch: cannot be used"):
        get(server, tmp_path / "file")


def test_two_fetches_into_one_folder_do_not_meet(server, tmp_path):
    """The second is told that the first is at work."""
    with held(tmp_path / FOLDER, "curate fetch"), pytest.raises(StoreError, match="another `curate fetch` is at work"):
        get(server, tmp_path)


def test_the_plan_downloads_nothing_and_says_how_much_is_missing(server, tmp_path):
    """Sizes come from the recipe or, without one there, from the server's headers; what has come already is counted."""
    server.put("a", CONTENT)
    server.put("b", CONTENT, breaks_after=[1000, 0, 0, 0])
    told = [{"url": f"{server.root}/{name}", "name": name} for name in "abc"]
    fetch(download(told[1]), tmp_path, waits_seconds=NO_WAIT)
    server.requests.clear()
    told[2]["size_bytes"] = 5
    planned = plan(download(*told), tmp_path)
    assert [(one.state, one.size_bytes, one.have_bytes) for one in planned] == [
        ("missing", len(CONTENT), 0),
        ("partly", len(CONTENT), 1000),
        ("missing", 5, 0),
    ]
    assert {method for method, _, _ in server.requests} == {"HEAD"}
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("damage", ["", "[]", '{"files": 3}', '{"files": {}}'])
def test_a_damaged_receipt_counts_as_none(server, tmp_path, damage):
    """What a receipt does not say clearly is fetched again."""
    server.put("image.nii.gz", CONTENT)
    get(server, tmp_path)
    (receipt,) = (tmp_path / FOLDER).glob("*.receipt.json")
    assert json.loads(receipt.read_text())["files"] == {"image.nii.gz": len(CONTENT)}
    receipt.write_text(damage)
    assert get(server, tmp_path).state == "fetched"
