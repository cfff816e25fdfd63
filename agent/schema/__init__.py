"""Records that modules pass to each other: fields and their meaning, no behaviour."""
