"""Caption every clip of a folder, and read the rows.

    python examples/caption_folder.py clips/ captions/

The same command goes on where it was stopped.
"""

import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as parquet

clips, out = sys.argv[1], Path(sys.argv[2])
subprocess.run(["duchenne", "caption", clips, "--out", str(out)], check=True)

for file in sorted(out.rglob("*.parquet")):
    for row in parquet.read_table(file).to_pylist():
        print(f"{row['id']} [{row['style']}] {row['caption']}")
