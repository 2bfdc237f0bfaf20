"""Choose by regular expression."""

import re

from curate.errors import UsageError


def fits(pattern: str, text: str) -> bool:
    """Tell whether a regular expression is found anywhere in `text`; anchor it with ^ and $ for the whole.

    Raises:
        UsageError: When the pattern is no regular expression.
    """
    try:
        return re.search(pattern, text) is not None
    except re.error as error:
        raise UsageError(
            f"`{pattern}` is no regular expression ({error}); escape special characters with \\"
        ) from error
