"""Weights by name: what a name means, downloads from a server on this machine, and the table of published files."""

import builtins
import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bench import models
from bench.models import weights
from bench.models.weights import Hosted, hosted, local_file, published
from curate.errors import ConfigError, UsageError

COMMIT = "0123456789abcdef0123456789abcdef01234567"
CONTENT = b"some weights" * 1000


@pytest.fixture
def server(monkeypatch, tmp_path):
    """Serve one file as the Hugging Face Hub does, on this machine; yield the list of paths that were asked for."""
    asked: list[str] = []

    class Hub(BaseHTTPRequestHandler):
        def do_HEAD(self):
            asked.append(f"HEAD {self.path}")
            found = self.path in (f"/owner/name/resolve/{r}/sub/weights.pth" for r in ("main", "v1", COMMIT))
            self.send_response(200 if found else 404)
            if found:
                self.send_header("X-Repo-Commit", COMMIT)
                self.send_header("ETag", f'"{hashlib.sha256(CONTENT).hexdigest()}"')
                self.send_header("Content-Length", str(len(CONTENT)))
            else:
                self.send_header("X-Error-Code", "EntryNotFound")
                self.send_header("Content-Length", "0")
            self.end_headers()
            return found

        def do_GET(self):
            if self.do_HEAD():
                asked[-1] = asked[-1].replace("HEAD", "GET")
                self.wfile.write(CONTENT)

        def log_message(self, *_):
            """Stay silent."""

    pytest.importorskip("huggingface_hub", reason="needs the extra `hub`")
    hub = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=hub.serve_forever)
    thread.start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{hub.server_port}")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    for variable in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(variable, raising=False)
    yield asked
    hub.shutdown()
    thread.join()
    hub.server_close()


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("hf://owner/name/weights.pth", Hosted("owner/name", "weights.pth", None)),
        ("hf://owner/name/sub/weights.pth@v1", Hosted("owner/name", "sub/weights.pth", "v1")),
        (Path("hf://owner/name/weights.pth@main"), Hosted("owner/name", "weights.pth", "main")),
        ("weights.pth", None),
        ("/data/hf/weights.pth", None),
        (Path("./hf/owner/name/weights.pth"), None),
    ],
)
def test_what_a_name_means(name, meant):
    """Owner, repository, file, and what follows the last part's @; anything else is a path."""
    assert hosted(name) == meant


@pytest.mark.parametrize("name", ["hf://owner", "hf://owner/name", "hf://", "hf://owner/name/@v1"])
def test_name_without_a_file_says_the_form(name):
    """Too few parts are told the form of a name."""
    with pytest.raises(UsageError, match=r"names no file; type --weights hf://owner/repository/file\[@revision\]"):
        local_file(name)


def test_path_is_itself_and_must_exist(tmp_path):
    """A file needs no network and no library."""
    path = tmp_path / "weights.pth"
    path.write_bytes(CONTENT)
    assert local_file(path) == path
    with pytest.raises(UsageError, match="no such file; name the checkpoint with --weights FILE"):
        local_file(tmp_path / "missing.pth")


@pytest.mark.parametrize("name", ["hf://owner/name/sub/weights.pth", "hf://owner/name/sub/weights.pth@v1"])
def test_file_is_downloaded_once(server, name):
    """The bytes arrive, under the file's own name, and a second call does not fetch them again."""
    path = local_file(Path(name))
    assert path.name == "weights.pth"
    assert path.read_bytes() == CONTENT
    assert local_file(name) == path
    assert sum(line.startswith("GET") for line in server) == 1


@pytest.mark.parametrize("name", ["hf://owner/name/other.pth", "hf://owner/name/sub/weights.pth@v2"])
@pytest.mark.usefixtures("server")
def test_file_that_is_not_there_is_one_line(name):
    """A wrong name says so in one line that names it."""
    with pytest.raises(UsageError, match=rf"{name}: cannot be downloaded .*check the name and the connection") as error:
        local_file(name)
    assert "\n" not in str(error.value)


@pytest.mark.usefixtures("server")
def test_no_connection_is_one_line(monkeypatch):
    """A server that does not answer is told in one line."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("time.sleep", lambda _: None)  # the library waits between its attempts
    with pytest.raises(UsageError, match=r"cannot be downloaded .*or name a downloaded file") as error:
        local_file("hf://owner/name/sub/weights.pth")
    assert "\n" not in str(error.value)


def test_without_the_library_the_line_says_what_to_install(monkeypatch):
    """The extra is named."""
    real = builtins.__import__

    def without(name, *rest):
        if name.startswith("huggingface_hub"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UsageError, match=r"needs huggingface_hub; type pip install 'medseen\[hub\]'"):
        local_file("hf://owner/name/weights.pth")


def test_published_files_are_told_apart():
    """File names and digests are unique; each file is downloadable from where it was published, and each stated
    digest says where it was read.
    """
    rows = published()
    assert len({row.file for row in rows}) == len(rows) >= 6
    for row in rows:
        assert row.models
        assert row.licence
        assert hosted(row.source) is not None or row.source.startswith("https://")
        assert (row.sha256 is None) == (row.size_bytes is None) == (row.stated_by is None)
        assert row.sha256 is None or len(bytes.fromhex(row.sha256)) == 32
        assert row.sha256 is not None or "unverified" in (row.note or "")


def test_published_files_are_for_known_models():
    """Every shipped model of the table is one that can be asked for by name."""
    known = set(models.REGISTRY.names())
    listed = {name for row in published() for name in row.models if name.startswith("sam-med3d")}
    assert listed <= known


def test_damaged_table_names_file_and_line(tmp_path, monkeypatch):
    """A size that is no number is an error of the table, with its line."""
    header = "file,models,source,licence,size_bytes,sha256,stated_by,note"
    (tmp_path / "published.csv").write_text(f"{header}\na.pth,m,https://x,MIT,many,,,\n")
    monkeypatch.setattr(weights, "shipped_folder", lambda _: tmp_path)
    published.cache_clear()
    with pytest.raises(ConfigError, match=r"published.csv:2: .*many"):
        published()
    monkeypatch.undo()
    published.cache_clear()
