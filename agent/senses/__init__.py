"""The senses: samples in, cues out. They know no language model and not each other."""
