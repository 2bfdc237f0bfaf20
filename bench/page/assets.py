"""What every page is made with: templates that escape, one style sheet, and a policy that names what may run."""

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
_HIDDEN = ("Cc", "Cf", "Co", "Cs")
"""Unicode categories of characters without a glyph: controls, direction marks, private use, halves of a pair."""


def environment() -> "Environment":
    """Return the templates; whatever they print is escaped, and characters without a glyph are spelled out."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: visible(value) if type(value) is str else value,
    )


def text_of(*names: str) -> str:
    """Return the files of some names beside this one, one after the other."""
    return "".join((_HERE / name).read_text(encoding="utf-8") for name in names)


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


def policy(style: str, scripts: Sequence[str], *more: str) -> str:
    """Return a Content-Security-Policy under which only these texts are style sheet and scripts.

    Args:
        style: Exactly what stands between `<style>` and `</style>`.
        scripts: Exactly what stands between the tags of each script.
        more: Further directives.
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
        *more,
    )
    return "; ".join(rules)


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
