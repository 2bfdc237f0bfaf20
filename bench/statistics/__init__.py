"""What a leaderboard computes from rows of scores; `docs/leaderboard.md` defines each statistic."""
