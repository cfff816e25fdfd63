"""Duchenne: what people in a video feel and why, every reason citing what can be seen or heard."""
