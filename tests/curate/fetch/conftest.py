"""A server on this machine that misbehaves in every way that real ones do."""

import hashlib
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from curate.recipe.download import Download


@dataclass
class Page:
    """How the server answers for one path."""

    content: bytes
    statuses: list[int] = field(default_factory=list)
    """Answers before the first good one, in order."""
    breaks_after: list[int] = field(default_factory=list)
    """Bytes after which the connection ends, for the first answers with content."""
    ranges: bool = True
    """False ignores Range and sends everything."""
    shift: int = 0
    """Bytes by which a partial answer begins elsewhere than was asked for."""
    announced: int | None = None
    """Content-Length in place of the true one; -1 for none."""
    etag: str | None = '"one"'
    to: str | None = None
    """Path that it redirects to."""


class Server:
    """Pages by path, and the requests that came for them."""

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.requests: list[tuple[str, str, str | None]] = []
        """Method, path and Range of each."""
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.answer(self)

            do_HEAD = do_GET  # noqa: N815, the name that http.server looks for

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.root = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def put(self, name: str, content: bytes, **how: object) -> str:
        """Serve a page and return its address."""
        self.pages[f"/{name}"] = Page(content, **how)
        return f"{self.root}/{name}"

    @property
    def ranges(self) -> list[str | None]:
        """The Range of every GET, in order."""
        return [asked for method, _, asked in self.requests if method == "GET"]

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request as its page says."""
        asked = handler.headers.get("Range")
        self.requests.append((handler.command, handler.path, asked))
        page = self.pages.get(handler.path)
        if page is None or page.statuses or page.to is not None:
            status = 404 if page is None else page.statuses.pop(0) if page.statuses else 302
            handler.send_response(status)
            if page is not None and page.to is not None:
                handler.send_header("Location", page.to)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        fresh = handler.headers.get("If-Range") in (None, page.etag)
        start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked and page.ranges and fresh else 0
        if start >= len(page.content) > 0:
            handler.send_response(416)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        self._content(handler, page, start)

    def _content(self, handler: BaseHTTPRequestHandler, page: Page, start: int) -> None:
        total = len(page.content)
        handler.send_response(206 if start else 200)
        if start:
            start += page.shift
            handler.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        if page.etag:
            handler.send_header("ETag", page.etag)
        if page.announced != -1:
            handler.send_header("Content-Length", str(total - start if page.announced is None else page.announced))
        handler.end_headers()
        if handler.command == "GET":
            end = start + page.breaks_after.pop(0) if page.breaks_after else total
            handler.wfile.write(page.content[start:end])
            handler.close_connection = True


@pytest.fixture
def server(monkeypatch) -> Iterator[Server]:
    """Return a server that answers on this machine only."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Server()
    yield server
    server.http.shutdown()
    server.http.server_close()


def md5(content: bytes) -> str:
    """Return a checksum as recipes have it."""
    return f"md5:{hashlib.md5(content).hexdigest()}"


def download(*files: dict[str, object]) -> Download:
    """Return the `[download]` of a recipe with these files."""
    facts = {"access": "open", "page": "https://example.org/data", "files": files}
    return Download.model_validate(facts)
