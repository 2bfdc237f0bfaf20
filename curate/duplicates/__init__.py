"""The same scan more than once: renamed, turned, padded, resampled, re-scaled; each pair is checked by its voxels."""

from curate.duplicates.find import Report, find
from curate.duplicates.grouping import groups
from curate.duplicates.table import DUPLICATES, write

__all__ = ["DUPLICATES", "Report", "find", "groups", "write"]
