"""Pages of single cases: slices with outlines and clicks, scores, and a 3D viewer."""

from bench.page.cases.writing import CaseLink, CaseLinks, Sources, write_cases

__all__ = ["CaseLink", "CaseLinks", "Sources", "write_cases"]
