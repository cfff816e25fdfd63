"""The server under trial: how much it adds, what it withstands, who can talk to it."""
