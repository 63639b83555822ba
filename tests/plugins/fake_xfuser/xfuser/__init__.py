"""As much of xfuser 0.7 as `usp` uses, on a CPU, with the same names and arguments; the real one needs a GPU."""
