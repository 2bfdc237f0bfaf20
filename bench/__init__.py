"""Run any segmentation model over suites of curated data, and say how good it is on seen and on unseen targets."""
