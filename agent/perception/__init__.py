"""From a clip to its evidence: all senses in one pass, kept and refined."""
