"""The command `duchenne`."""
