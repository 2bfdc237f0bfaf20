"""Models in processes of their own: `exec:COMMAND`."""
