"""What a server says of a file: whether it has it, how large it is, and which part of it comes."""

import re
from dataclasses import dataclass

import requests

from curate.fetch.problem import FetchError

HEADERS = {"Accept-Encoding": "identity", "User-Agent": "medseen"}
TIMEOUT_SECONDS = (15, 60)
"""To connect, and between two pieces of the answer."""
_WORTH_A_TRY = {408, 425, 429, 500, 502, 503, 504}
"""Statuses that may be gone a moment later (RFC 9110, 6585 and 8470)."""


class BrokenOffError(Exception):
    """A try that may end better when it is made again."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a server is about to send."""

    start: int
    """First byte that it sends; -1 where it does not say."""
    total_bytes: int | None
    """Size of the whole file; None where the server does not say."""
    validator: str | None
    """Tells this version of the file from others: its strong ETag, or when it was changed (RFC 9110, 13.1.5)."""


def offer_of(response: requests.Response) -> Offer:
    """Read an answer's headers.

    Raises:
        FetchError: When the server does not have the file.
        BrokenOffError: When it may have it later.
    """
    status, headers = response.status_code, response.headers
    if status in _WORTH_A_TRY:
        raise BrokenOffError(f"the server answers {status} {response.reason}")
    tag = headers.get("ETag")
    validator = tag if tag and not tag.startswith("W/") else headers.get("Last-Modified")
    if status == requests.codes.partial_content:
        found = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", headers.get("Content-Range", ""))
        return Offer(int(found[1]), int(found[2]), validator) if found else Offer(-1, None, validator)
    if status != requests.codes.ok:
        raise FetchError(f"{response.url}: the server answers {status} {response.reason}")
    return Offer(0, _length(response), validator)


def remote_size(url: str) -> int | None:
    """Return how many bytes a server says that a file has; None where it does not say or does not answer."""
    try:
        with requests.head(url, headers=HEADERS, allow_redirects=True, timeout=TIMEOUT_SECONDS) as response:
            return _length(response) if response.ok else None
    except requests.RequestException:
        return None


def _length(response: requests.Response) -> int | None:
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() else None
