"""SAM of Kirillov et al. (github.com/facebookresearch/segment-anything): point, box and mask prompts on pictures."""
