"""A vLLM of our own: its command, its start, and the proof that it serves what it should.

Knows checkpoints, vLLM's flags and its HTTP; nothing of clips, evidence or questions. vLLM runs in
a process of its own and, where wanted, in a Python environment of its own; nothing here imports it.
"""
