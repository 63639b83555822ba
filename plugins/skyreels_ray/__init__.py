"""The queue's executor on a Ray cluster."""
