"""Serve Duchenne and ask it with the openai client, as any OpenAI-compatible host.

python examples/serve_and_ask.py clip.mp4
"""

import base64
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from openai import OpenAI

clip = Path(sys.argv[1])
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]

server = subprocess.Popen(["duchenne", "serve", "--port", str(port)])
try:
    for _ in range(240):  # until it is ready
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1).close()
            break
        except OSError:
            time.sleep(0.25)

    client = OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="none")
    url = f"data:video/mp4;base64,{base64.b64encode(clip.read_bytes()).decode()}"
    reply = client.chat.completions.create(
        model="duchenne",
        messages=[
            {
                "role": "user",
                "content": [
                    {"type": "video_url", "video_url": {"url": url}},
                    {"type": "text", "text": "How does she feel, and why?"},
                ],
            }
        ],
    )
    print(reply.choices[0].message.content)
finally:
    server.terminate()
    server.wait()
