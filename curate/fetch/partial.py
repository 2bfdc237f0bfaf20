"""What has come of a file so far, and what must be known to go on: from where, which version, how much in all."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curate.files import write_json

_WEB_PAGE = re.compile(rb"\s*<(!doctype\s+html|html)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Partial:
    """A file that is not whole yet; its record lies beside it."""

    path: Path

    @property
    def size_bytes(self) -> int:
        """How much has come."""
        return self.path.stat().st_size if self.path.is_file() else 0

    @property
    def known(self) -> Mapping[str, Any]:
        """Its url, validator and total; nothing where there is no record, or a damaged one."""
        try:
            known = json.loads(self._record.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}

    def remember(self, url: str, validator: str | None, total_bytes: int | None) -> None:
        """Write the record, before any byte comes."""
        write_json(self._record, {"url": url, "validator": validator, "total_bytes": total_bytes})

    def forget(self) -> None:
        """Delete what has come, and the record."""
        self.path.unlink(missing_ok=True)
        self._record.unlink(missing_ok=True)

    def is_whole(self, url: str) -> bool:
        """Say whether all of it has come from this address."""
        known = self.known
        return self.path.is_file() and known.get("url") == url and known.get("total_bytes") == self.size_bytes

    def is_web_page(self) -> bool:
        """Say whether it is a page for people, as servers send in place of a file that needs a login."""
        with self.path.open("rb") as stream:
            return _WEB_PAGE.match(stream.read(512)) is not None

    @property
    def _record(self) -> Path:
        return self.path.with_name(f"{self.path.name}.json")
