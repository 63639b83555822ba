"""A cache for diffusion forcing: every causal block decides for itself whether it needs computing."""
