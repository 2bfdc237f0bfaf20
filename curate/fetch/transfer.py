"""Download one file over HTTP so that a broken-off download goes on where it was."""

import shutil
import time
from collections.abc import Iterator, Sequence
from typing import Any, Never

import pooch
import requests
from tqdm import tqdm
from urllib3.exceptions import HTTPError

from curate.errors import UsageError
from curate.fetch.partial import Partial
from curate.fetch.problem import FetchError
from curate.fetch.server import HEADERS, TIMEOUT_SECONDS, BrokenOffError, Offer, offer_of, remote_size
from curate.fetch.sizes import shown

WAITS_SECONDS = (1.0, 3.0, 10.0)
"""Pauses between tries; a try that brought `_PROGRESS_BYTES` starts them anew."""
_PROGRESS_BYTES = 8 << 20
_BLOCK_BYTES = 1 << 20


class ResumingDownloader(pooch.HTTPDownloader):  # type: ignore[misc]
    """A downloader for `pooch.retrieve` that keeps what has come until the file is whole."""

    def __init__(self, partial: Partial, size_bytes: int | None, waits_seconds: Sequence[float]) -> None:
        super().__init__(chunk_size=_BLOCK_BYTES)
        self.partial = partial
        self.size_bytes = size_bytes
        self.waits_seconds = tuple(waits_seconds)

    def __call__(self, url: str, output_file: str, pooch: Any, check_only: bool = False) -> bool | None:  # noqa: ARG002
        """Download `url` and move it to `output_file`.

        Raises:
            FetchError: When the server does not have it, sends something else, or breaks off again and again.
            UsageError: When the disk has no room for it.
        """
        if check_only:
            return remote_size(url) is not None
        waits = list(self.waits_seconds)
        while not self.partial.is_whole(url):
            before = self.partial.size_bytes
            try:
                self._once(url)
                break
            except (BrokenOffError, requests.ConnectionError, requests.Timeout) as error:
                if self.partial.size_bytes - before >= _PROGRESS_BYTES:
                    waits = list(self.waits_seconds)
                if not waits:
                    raise FetchError(self._given_up(url, error)) from error
                time.sleep(waits.pop(0))
            except requests.RequestException as error:
                raise FetchError(f"{url}: {error}") from error
        self._refuse_web_page(url)
        shutil.move(self.partial.path, output_file)
        self.partial.forget()
        return None

    def _once(self, url: str) -> None:
        """Make one try: ask for what is missing, and append it."""
        have, known = self.partial.size_bytes, self.partial.known
        headers = dict(HEADERS)
        if have and known.get("url") == url:
            headers["Range"] = f"bytes={have}-"
            if known.get("validator"):
                headers["If-Range"] = str(known["validator"])
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_SECONDS) as response:
            if response.status_code == requests.codes.requested_range_not_satisfiable:
                self.partial.forget()
                raise BrokenOffError("the server has less than has come")
            offer = offer_of(response)
            if offer.start not in (0, have) or (offer.start and known.get("total_bytes") != offer.total_bytes):
                self.partial.forget()
                raise BrokenOffError("the server sends another part than was asked for")
            limit = self._limit(url, offer)
            self.partial.remember(url, offer.validator, offer.total_bytes)
            self._receive(response, offer, limit)

    def _limit(self, url: str, offer: Offer) -> int:
        """Return how large the file may become; refuse one of the wrong size, and one that the disk has no room for."""
        free = shutil.disk_usage(self.partial.path.parent).free + offer.start
        total = offer.total_bytes if offer.total_bytes is not None else self.size_bytes
        if total is None:
            return free
        if self.size_bytes is not None and total != self.size_bytes:
            raise FetchError(
                f"{url}: the server has {shown(total)} ({total} bytes), the recipe states {self.size_bytes} bytes; the "
                "file was changed at its source, or the link leads elsewhere now"
            )
        if total > free:
            folder = self.partial.path.parent
            raise UsageError(f"{folder}: needs {shown(total)} and has {shown(free)}; give another folder with --out")
        return total

    def _receive(self, response: requests.Response, offer: Offer, limit: int) -> None:
        path = self.partial.path
        bar: tqdm[Never] = tqdm(
            total=offer.total_bytes, initial=offer.start, desc=path.stem, unit="B", unit_scale=True, disable=None
        )
        with bar, path.open("r+b" if offer.start else "wb") as stream:
            stream.seek(offer.start)
            for block in _blocks(response):
                stream.write(block)
                bar.update(len(block))
                if stream.tell() > limit:
                    self.partial.forget()
                    raise FetchError(f"{response.url}: more than {shown(limit)} came, which is what it should have")
            got = stream.tell()
        if offer.total_bytes is not None and got < offer.total_bytes:
            raise BrokenOffError(f"only {shown(got)} of {shown(offer.total_bytes)} came")

    def _refuse_web_page(self, url: str) -> None:
        if not url.endswith((".html", ".htm")) and self.partial.is_web_page():
            self.partial.forget()
            raise FetchError(f"{url}: a web page came in place of the file; it may need a login now")

    def _given_up(self, url: str, error: Exception) -> str:
        reason = str(error) if isinstance(error, BrokenOffError) else "no connection, or none that lasts"
        kept = self.partial.size_bytes
        return f"{url}: {reason}" + (f"; {shown(kept)} are kept, and the same command goes on from there" * bool(kept))


def _blocks(response: requests.Response) -> Iterator[bytes]:
    """Yield the bytes as they are on the server.

    Raises:
        BrokenOffError: When the connection ends early.
    """
    try:  # read1 hands over what came before the end; read would lose it
        yield from iter(lambda: response.raw.read1(_BLOCK_BYTES, decode_content=False), b"")
    except HTTPError as error:
        raise BrokenOffError("the connection broke off") from error
