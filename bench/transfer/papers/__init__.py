"""Tables in the layout of three papers, filled from runs, with the published numbers beside them."""
