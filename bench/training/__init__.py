"""What a model was trained on, and what of a suite it has therefore seen."""
