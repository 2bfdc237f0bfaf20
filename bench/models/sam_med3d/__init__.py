"""SAM-Med3D of Wang et al. (github.com/uni-medical/SAM-Med3D): point prompts on cubes of 128 voxels at 1.5 mm."""
