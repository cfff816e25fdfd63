"""The data card of generated captions: YAML front matter for hubs, prose for people.

Knows the manifest; what it cannot know (licence, consent) it says is the source's.
"""

from __future__ import annotations

from typing import Any, Final

SIZES: Final = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (10**6, "100K<n<1M"),
)

_STYLES: Final = {
    "short": "one or two sentences",
    "rich": "a paragraph on face, head, voice, words and the feeling they fit",
    "cot": "reasoning from observations to a label, between <think> and <answer>",
    "merr": "what is seen, what is heard, what is said, what they say together",
}

_CARD: Final = """\
---
pretty_name: Captions of {name}
tags:
- emotion
- facial-action-units
- video-captions
- machine-generated
size_categories:
- {size}
license: other
configs:
- config_name: default
  data_files:
  - split: train
    path: data/*.parquet
---

# Captions of {name}

{clips} clips, {rows} rows (one a person and clip), {failed} clips failed (`failures.jsonl`).
State of the run: {state}.

```python
from datasets import load_dataset
captions = load_dataset("parquet", data_files="data/*.parquet", split="train")
```

## How they were made

Every caption was **written by a machine** (Duchenne {version}): the senses measured action units,
head, voice and words; `{model}` (revision `{revision}`) reasoned over them with the profile
`{profile}`; each sentence was checked against the cues it cites. Style: `{style}`, {about}.
Prompts: `{prompt_hash}`. Senses: `{sensing}`. {gold}

## Columns

`caption` is the text, `sentences` its sentences with the ids of the `cues` they stand on, `spans`
the stretches between changes of expression. `emotion` is the likeliest of `emotions`; null means
"cannot tell". Times are seconds, intensities 0-5 (FACS A-E), `relative` is against the person's
own baseline, `valence` and `arousal` are -1 to 1. `labels` holds what the owners of the clips say,
as JSON, untouched. `review` is `accepted` or `rejected` where a person has looked.

## What to keep in mind

An expression is not a feeling: the captions say what a display usually goes with. Action units
and voice are measured with error, worse on small, dark or turned faces. Licence, consent and
access are those of the clips: ask their owners before passing the captions on.
"""


def readme(manifest: dict[str, Any]) -> str:
    """README.md of a folder of captions, from its manifest."""
    settings, counts = manifest["settings"], manifest["counts"]
    known = settings["known"]
    size = next((name for most, name in SIZES if counts["rows"] < most), "n>1M")
    gold = "No label of the source was shown to the model."
    if known:
        gold = (
            f"The labels in {', '.join(known)} **were** shown, to be explained: such rows are "
            "marked `gold_conditioned` and measure no recognition."
        )
    return _CARD.format(
        name=manifest["source"]["name"].rstrip("/").rpartition("/")[2],
        size=size,
        state=manifest["state"],
        version=manifest["versions"].get("duchenne", ""),
        model=settings["model"],
        revision=settings["revision"],
        profile=settings["profile"],
        style=settings["style"],
        about=_STYLES[settings["style"]],
        prompt_hash=settings["prompt_hash"],
        sensing=settings["sensing"],
        gold=gold,
        **counts,
    )
