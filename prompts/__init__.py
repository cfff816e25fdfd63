"""Wording and definitions, one file each, filled strictly."""
