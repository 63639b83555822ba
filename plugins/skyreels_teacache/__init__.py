"""TeaCache (Liu et al. 2024, arXiv 2411.19108) as SkyReels-V2's reference uses it, with its defects mended."""
