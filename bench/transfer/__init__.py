"""The transfer study: what is left of a model's Dice on targets, modalities and sources that it was not trained on."""
