"""Templates that escape, the texts of style sheets and scripts, and a policy that names what may run."""

import base64
import hashlib
import json
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment

_HERE = Path(__file__).parent
LOOK, SORT, PRINT = _HERE / "look.css", _HERE / "sort.js", _HERE / "print.js"
_HIDDEN = ("Cc", "Cf", "Co", "Cs")
"""Unicode categories of characters without a glyph: controls, direction marks, private use, halves of a pair."""


def environment(folder: Path) -> "Environment":
    """Return the templates of a folder; what they print is escaped, and characters without a glyph are spelled out.

    Args:
        folder: Of the page's own templates; `head.html.j2` is there for all of them.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader((folder, _HERE)),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: visible(value) if type(value) is str else value,
    )


def text_of(*paths: Path) -> str:
    """Return the texts of some files, one after the other."""
    return "".join(path.read_text(encoding="utf-8") for path in paths)


def visible(text: str) -> str:
    """Spell out what has no glyph, such as marks that turn the direction of the text after them: `[U+202E]`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        f"[U+{ord(one):04X}]" if unicodedata.category(one) in _HIDDEN and one not in "\n\t" else one for one in text
    )


def to_json(content: Any) -> str:
    """Write data for a `<script type="application/json">`: no character in it can end the element."""
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def policy(style: str, scripts: Sequence[str]) -> str:
    """Return a Content-Security-Policy under which only these texts are style sheet and scripts.

    Args:
        style: Exactly what stands between `<style>` and `</style>`.
        scripts: Exactly what stands between the tags of each script.
    """
    allowed = " ".join(_source(script) for script in scripts)
    rules = (
        "default-src 'none'",
        f"style-src {_source(style)}",
        "style-src-attr 'unsafe-inline'",  # matplotlib styles the shapes of a chart one by one
        f"script-src {allowed}",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    )
    return "; ".join(rules)


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
