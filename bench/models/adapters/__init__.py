"""Models that other packages run: each needs an extra, and imports it when the model is made."""
