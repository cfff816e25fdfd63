"""The voice: where somebody speaks, how it sounds, whose it is."""
