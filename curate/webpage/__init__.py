"""What every page of medseen is made with: one look, sortable tables, charts as SVG, and escaped text."""
