"""A tiny copy of a dataset, made from what its recipe says of the real files; does a build find what is in it?"""

from curate.replica.compare import differences
from curate.replica.tree import Tree, write

__all__ = ["Tree", "differences", "write"]
