"""The Facial Action Coding System: units, how they are said, how emotions show in them."""
