"""The graph of reasoning steps, its conversations and what it remembers."""
