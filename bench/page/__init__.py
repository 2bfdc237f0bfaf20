"""The writers of a leaderboard: one set of tables, laid out as Markdown, HTML, CSV and JSON."""
