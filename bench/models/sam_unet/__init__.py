"""SAM-UNet of Yang et al. (github.com/Hhankyangg/sam-unet): SAM ViT-B at 256 pixels beside a ResNet, with bridges."""
