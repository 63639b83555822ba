"""The queue's executor on a Slurm cluster."""
