"""Action units: measured on each face, completed, cut into events, told as cues."""
