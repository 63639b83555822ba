"""Several GPUs for one film: guidance branches, tokens, and both."""
