"""Rows of a Hugging Face data set, from the hub or from a folder; needs `datasets`.

Media columns stay as they are stored (path and bytes): nothing is decoded here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.captions.samples import SourceError
from agent.util.advice import advice

if TYPE_CHECKING:
    from agent.captions.sources import Source

MEDIA = ("Video", "Audio", "Image")
"""Features of `datasets` that decode a file."""


def rows(source: Source) -> Iterator[Mapping[str, Any]]:
    """Rows of one split. Raises SourceError where there is no such data set or split."""
    if find_spec("datasets") is None:
        raise SourceError(
            f"{source.name} looks like a Hugging Face data set, and `datasets` is not installed: "
            + advice("scale")
        )
    found = _loaded(source)
    for name, feature in (found.features or {}).items():
        if type(feature).__name__ in MEDIA:
            found = found.cast_column(name, type(feature)(decode=False))
    yield from found


def _loaded(source: Source) -> Any:
    import datasets

    try:
        folder = Path(source.name).expanduser()
        if (folder / "dataset_info.json").exists() or (folder / "dataset_dict.json").exists():
            stored = datasets.load_from_disk(str(folder))
            if not isinstance(stored, datasets.DatasetDict):
                return stored
            if source.split not in stored:
                raise SourceError(
                    f"{source.name} has no split {source.split!r}; there are {', '.join(stored)}"
                )
            return stored[source.split]
        # A hub data set is streamed: captions begin before all of it is here.
        return datasets.load_dataset(
            source.name, source.config, split=source.split, streaming=not folder.is_dir()
        )
    except SourceError:
        raise
    except (ValueError, OSError, datasets.exceptions.DatasetsError) as error:
        said = " ".join(str(error).split())[:300]
        raise SourceError(f"the data set {source.name!r} cannot be loaded: {said}") from error
