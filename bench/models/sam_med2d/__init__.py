"""SAM-Med2D of Cheng et al. (github.com/OpenGVLab/SAM-Med2D): SAM ViT-B at 256 pixels with adapters."""
