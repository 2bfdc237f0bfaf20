"""Predictions that lie on disk, made by any program: nnU-Net's, TotalSegmentator's, those of a challenge."""
