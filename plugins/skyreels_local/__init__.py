"""The queue's executor on this machine."""
