"""Reading: what was measured → what it most likely shows, with the exact reasons."""
