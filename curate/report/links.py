"""Links that recipes state, as far as a page may follow them: pages of the web, and nothing that runs."""

import re

_LINK = re.compile(r"https?://[^\s<>\"'()\[\]]+")
_DOI = re.compile(r"\bdoi:\s*(10\.\d{4,9}/[^\s<>\"'()\[\],;]+)", re.IGNORECASE)


def web_page(text: str | None) -> str | None:
    """Return an address of http or https as it is, anything else as None."""
    return text if text is not None and _LINK.fullmatch(text) else None


def first_link(text: str | None) -> str | None:
    """Return the first address or DOI that stands in a text; None where there is none."""
    if text is None:
        return None
    if found := _LINK.search(text):
        return found[0].rstrip(".,;:")
    if found := _DOI.search(text):
        return f"https://doi.org/{found[1].rstrip('.')}"
    return None
