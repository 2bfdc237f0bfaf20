"""Errors that only an evaluation can meet."""

from curate.errors import MedseenError


class UnsupportedError(MedseenError):
    """The model does not take this image or prompt; the row gets the status `unsupported`."""
