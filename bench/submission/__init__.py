"""A run as others send it: packed without images and paths, validated check by check, added to a leaderboard."""
