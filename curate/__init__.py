"""Turn heterogeneous public medical datasets into one store: images, label maps, and tables in one vocabulary."""
