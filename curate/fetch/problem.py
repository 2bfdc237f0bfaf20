"""Why one file of a dataset could not be had."""

from curate.errors import MedseenError


class FetchError(MedseenError):
    """One file that could not be downloaded or unpacked; the message says why, and what to do where something can be.

    It becomes the outcome of that file; the others go on.
    """
