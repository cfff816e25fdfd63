"""`duchenne serve`: the agent behind an OpenAI-compatible endpoint.

Knows HTTP, keys, limits and child processes; nothing of faces, voices or feelings. Media is
opened in a limited child (`media_worker`), questions are reasoned about in another
(`reasoning_worker`), and this process only carries messages between them and the client.
"""
