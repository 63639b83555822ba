"""xfuser's USP: Ulysses and ring attention with its choice of kernels."""
