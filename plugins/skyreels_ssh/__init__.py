"""The queue's executor on hosts that SSH reaches."""
