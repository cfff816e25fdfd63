"""Model files: what each is, where it lies, how it is fetched."""
