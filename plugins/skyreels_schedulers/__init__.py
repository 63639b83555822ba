"""The solvers that come with skyreels: diffusers' own, on the reference's noise levels."""
