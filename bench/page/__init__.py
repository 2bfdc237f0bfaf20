"""The writers of a leaderboard: one set of tables, laid out as Markdown, HTML, CSV and JSON."""

from pathlib import Path

FOLDER = Path(__file__).parent
"""Where templates, style and scripts lie that the pages of leaderboards, cases and studies share."""
