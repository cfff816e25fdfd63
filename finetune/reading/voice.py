"""The read-out of voices: functionals of each utterance → what the speaker is taken to feel.

    python -m finetune.reading.voice --data VOICES --measured voices.json --out voice.json
    python -m finetune.reading.voice --data VOICES --measured voices.json --score

VOICES holds the utterances of EMO-DB as 16 kHz WAV (its names say speaker and feeling). They are
measured once, as they are and as other throats, rooms and wires would give them
(`finetune.reading.voice_variants`), into the file given by --measured. Two read-outs are learned:
"absolute" for a voice that nobody knows, "relative" where neutral speech of the speaker is known.
Everything is chosen by leaving a speaker out inside the training speakers; what --score prints is
of speakers that neither the weights nor any choice saw.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from agent.prototypes import BASIC
from agent.reading.additive import ReadOut, softmax
from agent.reading.voice import FEATURES, LIMIT, absolute, limited, settled
from agent.rules.core import VOICE, expected
from finetune.reading.fit import fit, temperature
from finetune.reading.voice_data import LABELS, LETTERS, WOMEN, Said, measure
from finetune.reading.voice_scores import auroc, ece, interval, recall
from finetune.reading.voice_variants import THROATS, WIRES

Matrix = npt.NDArray[np.float64]
Reference = Literal["absolute", "relative"]

UNHEARD: Final = tuple(label for label in BASIC if label not in LABELS)
"""Labels without a recording: surprise and contempt. Their weights are the tables' alone."""
UNHEARD_SHARE: Final = 0.03
"""Mean share that each of those gets on the recordings, none of which shows them: a judgement."""
PENALTIES: Final = (0.01, 0.03, 0.1)
BELIEVED: Final = (2.0, 4.0, 8.0)
"""Utterances of neutral speech at which half of a speaker's offset is believed."""
OTHERS_WEIGHT: Final = 0.4
"""Weight of each variant beside the recording as it is."""
STRENGTH: Final = 0.2
"""Log-odds for a standard deviation of what the tables expect."""

KNOWN: Final[dict[str, dict[str, float]]] = {
    "pitch": {"pitch_mean": 0.5, "pitch_p50": 0.5},
    "pitch_range": {"pitch_range": 0.5, "pitch_sd": 0.5},
    "energy_range": {"loudness_sd": 0.5, "loudness_range": 0.5},
    "brightness": {"tilt_db_mean": 0.3, "hammarberg_db_mean": -0.3, "mfcc1_mean": -0.3},
    "rate": {"syllables": 0.5, "loudness_peaks": 0.5},
    "roughness": {"hnr_db_mean": -0.3, "jitter_mean": 0.3, "shimmer_db_mean": 0.3},
}
"""Which functionals measure a part of the voice that the tables have, and which way."""


@dataclass(frozen=True, slots=True)
class How:
    """What is chosen inside the training speakers."""

    penalty: float
    believed: float = 4.0


# --- learning -------------------------------------------------------------------------------


def knowledge(features: Sequence[str], labels: Sequence[str], strength: float) -> Matrix:
    """labels × features: log-odds per standard deviation that the tables of the voice expect.

    Boredom stands between calm and sadness in none of them: it gets nothing.
    """
    known = np.zeros((len(labels), len(features)))
    told = tuple(label for label in labels if label in BASIC)
    for part, measures in KNOWN.items():
        assert part in VOICE
        size = expected(part, told, "rest").mean(axis=0)
        size = size - size.mean()
        for name, share in measures.items():
            for label, each in zip(told, size, strict=True):
                known[labels.index(label), features.index(name)] = strength * share * each
    return known


def neutral_of(said: Sequence[Said]) -> dict[str, float]:
    """Mean of every feature over neutral speech, each speaker counting the same."""
    means = [
        usual_of([s for s in said if s.speaker == k]) for k in sorted({s.speaker for s in said})
    ]
    return {name: float(np.mean([m[name] for m in means if name in m])) for name in FEATURES}


def usual_of(said: Sequence[Said]) -> dict[str, float]:
    """Mean of every feature over one speaker's neutral speech as recorded."""
    mine = [absolute(s.values) for s in said if s.label == "neutral" and s.variant == "clean"]
    names = {name for row in mine for name in row}
    return {name: float(np.mean([r[name] for r in mine if name in r])) for name in names}


def table(
    said: Sequence[Said], everybody: Sequence[Said], how: How, reference: Reference,
    neutral: dict[str, float],
) -> Matrix:  # fmt: skip
    """Utterances × FEATURES, NaN where a value is missing.

    Relative: the speaker's neutral speech among `everybody`, in the same variant where it is
    another throat (a wire would hardly be known beforehand).
    """
    usual: dict[tuple[str, str], tuple[dict[str, float], int]] = {}
    out = np.full((len(said), len(FEATURES)), np.nan)
    for place, one in enumerate(said):
        values = absolute(one.values)
        if reference == "relative":
            key = (one.speaker, one.variant if one.variant in THROATS else "clean")
            if key not in usual:
                mine = [
                    replace_variant(s)
                    for s in everybody
                    if (s.speaker, s.variant) == key and s.label == "neutral"
                ]
                usual[key] = usual_of(mine), len({s.clip for s in mine})
            values = settled(values, *usual[key], neutral, how.believed)
        for name, value in values.items():
            out[place, FEATURES.index(name)] = value
    return out


def replace_variant(said: Said) -> Said:
    """The same, counted as recorded."""
    return replace(said, variant="clean")


def learn(said: Sequence[Said], how: How, reference: Reference) -> tuple[ReadOut, dict[str, float]]:
    """A read-out over LABELS, each label counting the same; and everybody's neutral."""
    neutral = neutral_of(said)
    rows = table(said, said, how, reference, neutral)
    clean = np.array([s.variant == "clean" for s in said])
    middle, spread = np.nanmean(rows[clean], axis=0), np.nanstd(rows[clean], axis=0) + 1e-6
    rows = np.clip(rows, middle - LIMIT * spread, middle + LIMIT * spread)
    targets = np.array([[label == s.label for label in LABELS] for s in said], np.float64)
    pieces = np.array(
        [sum(o.clip == s.clip and o.variant == s.variant for o in said) for s in said]
    )
    weight = np.where(clean, 1.0, OTHERS_WEIGHT) / pieces
    weight /= targets @ (weight @ targets)
    out = fit(
        rows, targets, weight, labels=LABELS, features=FEATURES, centre=middle, scale=spread,
        prior=knowledge(FEATURES, LABELS, STRENGTH), penalty=how.penalty,
    )  # fmt: skip
    return out, neutral


def clip_logits(
    said: Sequence[Said], out: ReadOut, how: How, reference: Reference, neutral: dict[str, float],
    variants: Sequence[str],
) -> tuple[list[str], Matrix]:  # fmt: skip
    """Recordings in any of `variants`, and their logits: means over utterances, by length."""
    chosen = [s for s in said if s.variant in variants]
    rows = table(chosen, said, how, reference, neutral)
    each = out.logits(limited(rows, out))
    clips = sorted({s.clip for s in chosen})
    seconds = np.array([[s.seconds * (s.clip == clip) for s in chosen] for clip in clips])
    return clips, (seconds @ each) / seconds.sum(axis=1, keepdims=True)


def choose(said: Sequence[Said], reference: Reference) -> tuple[How, float]:
    """Penalty, belief and temperature by leaving a speaker out among those given."""
    grid = [
        How(p, b) for p, b in product(PENALTIES, BELIEVED if reference == "relative" else (4.0,))
    ]
    best: tuple[float, How, float] | None = None
    for how in grid:
        truth, logits = held_out(said, how, reference)
        hot = np.array([[label == t for label in LABELS] for t in truth], np.float64)
        cool = temperature(logits, hot)
        # Likelihood tells more than recall of so few.
        chance = softmax(logits / cool)[np.arange(len(truth)), hot.argmax(axis=1)]
        value = float(np.log(np.maximum(chance, 1e-9)).mean())
        if best is None or value > best[0]:
            best = value, how, cool
    assert best is not None
    return best[1], best[2]


def held_out(
    said: Sequence[Said], how: How, reference: Reference, variants: Sequence[str] = ("clean",)
) -> tuple[list[str], Matrix]:
    """Labels and logits of all recordings, each speaker read by what the others taught."""
    truth: list[str] = []
    logits = []
    for speaker in sorted({s.speaker for s in said}):
        mine = [s for s in said if s.speaker == speaker]
        out, neutral = learn([s for s in said if s.speaker != speaker], how, reference)
        clips, found = clip_logits(mine, out, how, reference, neutral, variants)
        truth += [LETTERS[clip[5]] for clip in clips]
        logits.append(found)
    return truth, np.concatenate(logits)


def final(said: Sequence[Said], reference: Reference) -> dict[str, Any]:
    """The read-out of all speakers as JSON, with rows for labels that nobody spoke."""
    how, cool = choose(said, reference)
    out, neutral = learn(said, how, reference)
    out = with_unheard(replace(out, temperature=cool), said, how, reference, neutral)
    return out.as_json() | {
        "reference": reference,
        "believed": how.believed,
        "neutral": {name: round(value, 4) for name, value in neutral.items()},
        "limit": LIMIT,
        "trained_on": "235 utterances of EMO-DB (Burkhardt et al. 2005, CC0), speakers "
        + " ".join(sorted({s.speaker for s in said})),
    }


def with_unheard(
    out: ReadOut, said: Sequence[Said], how: How, reference: Reference, neutral: dict[str, float]
) -> ReadOut:
    """With rows for UNHEARD: the tables' weights, and a bias that keeps them rare here."""
    labels = (*LABELS, *UNHEARD)
    known = knowledge(FEATURES, labels, STRENGTH)[len(LABELS) :]
    clean = [s for s in said if s.variant == "clean"]
    rows = limited(table(clean, said, how, reference, neutral), out)
    away = np.nan_to_num((rows - out.centre) / out.scale)
    heard = away @ out.weights.T + out.bias
    bias = np.zeros(len(UNHEARD))
    for _ in range(60):
        chance = softmax(np.concatenate([heard, away @ known.T + bias], axis=1) / out.temperature)
        bias += np.log(UNHEARD_SHARE / chance[:, len(LABELS) :].mean(axis=0)) * out.temperature / 2
    prior = np.full(len(labels), (1 - UNHEARD_SHARE * len(UNHEARD)) / len(LABELS))
    prior[len(LABELS) :] = UNHEARD_SHARE
    return replace(
        out,
        labels=labels,
        weights=np.concatenate([out.weights, known]),
        bias=np.concatenate([out.bias, bias]),
        prior=prior,
    )


# --- judging --------------------------------------------------------------------------------


def score(said: Sequence[Said], reference: Reference) -> dict[str, Any]:
    """Speakers left out one by one; everything chosen inside the others."""
    parts: dict[str, list[tuple[list[str], Matrix]]] = {"clean": [], "wired": []}
    speakers = sorted({s.speaker for s in said})
    for speaker in speakers:
        rest = [s for s in said if s.speaker != speaker]
        mine = [s for s in said if s.speaker == speaker]
        how, cool = choose(rest, reference)
        out, neutral = learn(rest, how, reference)
        for name, among in (("clean", ("clean",)), ("wired", WIRES)):
            clips, logits = clip_logits(mine, out, how, reference, neutral, among)
            parts[name].append((clips, logits / cool))
    return {name: _scores(found) for name, found in parts.items()}


def _scores(parts: Sequence[tuple[list[str], Matrix]]) -> dict[str, Any]:
    clips = [clip for names, _ in parts for clip in names]
    shares = softmax(np.concatenate([logits for _, logits in parts]))
    truth = np.array([LABELS.index(LETTERS[clip[5]]) for clip in clips])
    best, sure = shares.argmax(axis=1), shares.max(axis=1)
    speaker = np.array([clip[:2] for clip in clips])
    female = np.isin(speaker, list(WOMEN))
    return {
        "clips": len(clips),
        "uar": recall(truth, best),
        "interval": interval(truth, best, speaker),
        "accuracy": float((truth == best).mean()),
        "ece": ece(sure, truth == best),
        "auroc_of_error": auroc(sure, truth == best),
        "by_speaker": {
            k: recall(truth[speaker == k], best[speaker == k]) for k in sorted({*speaker})
        },
        "women": recall(truth[female], best[female]) if female.any() else None,
        "men": recall(truth[~female], best[~female]) if not female.all() else None,
        "by_label": {
            label: float((best[truth == k] == k).mean())
            for k, label in enumerate(LABELS)
            if (truth == k).any()
        },
        "said_neutral": float((best == LABELS.index("neutral")).mean()),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, then learn or judge."""
    parser = argparse.ArgumentParser(prog="python -m finetune.reading.voice")
    parser.add_argument("--data", type=Path, required=True, help="folder of EMO-DB's WAV files")
    parser.add_argument(
        "--measured", type=Path, required=True, help="table to keep what is measured"
    )
    parser.add_argument("--out", type=Path, help="where to write the weights")
    parser.add_argument("--score", action="store_true", help="judge, leaving speakers out")
    asked = parser.parse_args(argv)
    said = measure(asked.data, asked.measured)
    references: tuple[Reference, ...] = ("absolute", "relative")
    if asked.score:
        for reference in references:
            print(json.dumps({reference: score(said, reference)}, indent=1), flush=True)
    if asked.out is not None:
        weights = {reference: final(said, reference) for reference in references}
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        asked.out.write_text(json.dumps(weights, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
