"""`duchenne serve`: the agent behind an OpenAI-compatible endpoint.

Knows HTTP, keys, limits and child processes; nothing of faces, voices or feelings. Media is
opened in a limited child (`eyes`), questions are reasoned about in another (`mind`), and this
process only carries messages between them and the client.
"""
