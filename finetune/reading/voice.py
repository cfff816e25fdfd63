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
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from agent.facs.prototypes import BASIC
from agent.reading.additive import ReadOut, softmax
from agent.reading.scores import VOICE, expected
from agent.reading.voice import FEATURES, LIMIT, limited
from finetune.reading.fit import fit, temperature
from finetune.reading.voice_data import LABELS, LETTERS, WOMEN, Voices, measure
from finetune.reading.voice_scores import auroc, ece, interval, recall
from finetune.reading.voice_variants import THROATS, WIRES

Matrix = npt.NDArray[np.float64]
Reference = Literal["absolute", "relative"]

UNHEARD: Final = tuple(label for label in BASIC if label not in LABELS)
"""Labels without a recording: surprise and contempt. Their weights are the tables' alone."""
UNHEARD_SHARE: Final = 0.03
"""Mean share that each of those gets on the recordings, none of which shows them: a judgement."""
PENALTIES: Final = (0.01, 0.02, 0.05)
BELIEVED: Final = (4.0, 16.0)
"""Utterances of neutral speech at which half of a speaker's offset is believed."""
THROAT_WEIGHT: Final = 0.3
WIRE_WEIGHT: Final = 0.3
"""Weights of each variant beside the recording as it is. Without throats a woman is read worse by
what men taught, without wires a telephone is read hardly better than by chance; more of either
costs the recordings as they are (docs/model_cards/voice.md)."""
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
    believed: float
    """Utterances of neutral speech at which half of a speaker's offset is believed."""


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


def everybodys(voices: Voices) -> Matrix:
    """Mean of every feature over neutral speech as recorded, each speaker counting the same."""
    people = sorted(set(voices.speakers.tolist()))
    return np.asarray(np.nanmean([voices.neutral(k, "clean")[0] for k in people], axis=0))


def table(voices: Voices, how: How, reference: Reference, neutral: Matrix) -> Matrix:
    """Utterances × FEATURES as the read-out takes them; `agent.reading.voice.settled` in arrays.

    Relative: less what is believed of the speaker's offset from `neutral`. It is known from
    neutral speech among the same `voices`: of the same throat, but without the wire, and never
    from the recording that is read.
    """
    if reference == "absolute":
        return voices.values
    out = voices.values.copy()
    throat = np.where(np.isin(voices.variants, list(THROATS)), voices.variants, "clean")
    calm = voices.labels == LABELS.index("neutral")
    for speaker, variant in sorted({*zip(voices.speakers.tolist(), throat.tolist(), strict=True)}):
        mine = (voices.speakers == speaker) & (throat == variant)
        for clip in (None, *sorted(set(voices.clips[mine & calm].tolist()))):
            usual, count = voices.neutral(speaker, variant, but=clip)
            offset = np.nan_to_num((usual - neutral) * count / (count + how.believed))
            rows = mine & (~calm if clip is None else voices.clips == clip)
            out[rows] -= offset
    return out


def learn(voices: Voices, how: How, reference: Reference) -> tuple[ReadOut, Matrix]:
    """A read-out over LABELS, each label counting the same; and everybody's neutral."""
    neutral = everybodys(voices)
    rows = table(voices, how, reference, neutral)
    clean = voices.variants == "clean"
    middle, spread = np.nanmean(rows[clean], axis=0), np.nanstd(rows[clean], axis=0) + 1e-6
    rows = np.clip(rows, middle - LIMIT * spread, middle + LIMIT * spread)
    targets = np.eye(len(LABELS))[voices.labels]
    same = list(zip(voices.clips.tolist(), voices.variants.tolist(), strict=True))
    pieces = Counter(same)
    throat = np.isin(voices.variants, list(THROATS))
    weight = np.where(clean, 1.0, np.where(throat, THROAT_WEIGHT, WIRE_WEIGHT))
    weight = weight / np.array([pieces[each] for each in same])
    weight = weight / (targets @ (weight @ targets))
    out = fit(
        rows,
        targets,
        weight,
        labels=LABELS,
        features=FEATURES,
        centre=middle,
        scale=spread,
        prior=knowledge(FEATURES, LABELS, STRENGTH),
        penalty=how.penalty,
    )
    return out, neutral


def read(
    voices: Voices,
    out: ReadOut,
    how: How,
    reference: Reference,
    neutral: Matrix,
    among: Sequence[str],
) -> tuple[list[str], Matrix]:
    """Recordings in any of the variants `among`, and their logits: means over utterances, by
    length. A speaker's neutral speech is taken from all of `voices`."""
    each = out.logits(limited(table(voices, how, reference, neutral), out))
    chosen = np.isin(voices.variants, list(among))
    clips = sorted(set(voices.clips[chosen].tolist()))
    share = np.array([voices.seconds * chosen * (voices.clips == clip) for clip in clips])
    return clips, (share @ each) / share.sum(axis=1, keepdims=True)


def choose(voices: Voices, reference: Reference) -> tuple[How, float]:
    """Penalty, belief and temperature by leaving a speaker out among those given."""
    beliefs = BELIEVED if reference == "relative" else BELIEVED[:1]
    best: tuple[float, How, float] | None = None
    for penalty, believed in product(PENALTIES, beliefs):
        how = How(penalty, believed)
        truth, logits = held_out(voices, how, reference)
        cool = temperature(logits, np.eye(len(LABELS))[truth])
        # Likelihood tells more than recall of so few.
        chance = softmax(logits / cool)[np.arange(len(truth)), truth]
        value = float(np.log(np.maximum(chance, 1e-9)).mean())
        if best is None or value > best[0]:
            best = value, how, cool
    assert best is not None
    return best[1], best[2]


def held_out(voices: Voices, how: How, reference: Reference) -> tuple[npt.NDArray[np.intp], Matrix]:
    """Labels and logits of all recordings, each speaker read by what the others taught."""
    clips: list[str] = []
    logits = []
    for speaker in sorted(set(voices.speakers.tolist())):
        mine = voices.speakers == speaker
        out, neutral = learn(voices.only(~mine), how, reference)
        # Whatever is chosen must hold for other throats and wires as well.
        for variant in ("clean", *THROATS, *WIRES):
            named, found = read(voices.only(mine), out, how, reference, neutral, (variant,))
            clips += named
            logits.append(found)
    return _truth(clips), np.concatenate(logits)


def _truth(clips: Sequence[str]) -> npt.NDArray[np.intp]:
    return np.array([LABELS.index(LETTERS[clip[5]]) for clip in clips], np.intp)


def final(voices: Voices, reference: Reference) -> dict[str, Any]:
    """The read-out of all speakers as JSON, with rows for labels that nobody spoke."""
    how, cool = choose(voices, reference)
    out, neutral = learn(voices, how, reference)
    rows = limited(table(voices, how, reference, neutral)[voices.variants == "clean"], out)
    out = with_unheard(replace(out, temperature=cool), rows)
    return out.as_json() | {
        "reference": reference,
        "believed": how.believed,
        "neutral": dict(zip(FEATURES, np.round(neutral, 4).tolist(), strict=True)),
        "limit": LIMIT,
        "penalty": how.penalty,
        "trained_on": f"{len(set(voices.clips.tolist()))} utterances of EMO-DB (Burkhardt et al. "
        f"2005, CC0), speakers {' '.join(sorted(set(voices.speakers.tolist())))}",
    }


def with_unheard(out: ReadOut, rows: Matrix) -> ReadOut:
    """With rows for UNHEARD: the tables' weights, and a bias that keeps them rare in `rows`."""
    labels = (*LABELS, *UNHEARD)
    known = knowledge(FEATURES, labels, STRENGTH)[len(LABELS) :]
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


def score(voices: Voices, reference: Reference) -> dict[str, Any]:
    """Speakers left out one by one; everything chosen inside the others."""
    parts: dict[str, list[tuple[list[str], Matrix]]] = {"clean": [], "wired": []}
    for speaker in sorted(set(voices.speakers.tolist())):
        mine = voices.speakers == speaker
        rest = voices.only(~mine)
        how, cool = choose(rest, reference)
        out, neutral = learn(rest, how, reference)
        for name, among in (("clean", ("clean",)), ("wired", WIRES)):
            clips, logits = read(voices.only(mine), out, how, reference, neutral, among)
            parts[name].append((clips, logits / cool))
    return {name: _scores(found) for name, found in parts.items()}


def _scores(parts: Sequence[tuple[list[str], Matrix]]) -> dict[str, Any]:
    clips = [clip for names, _ in parts for clip in names]
    shares = softmax(np.concatenate([logits for _, logits in parts]))
    truth = _truth(clips)
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
    voices = measure(asked.data, asked.measured)
    references: tuple[Reference, ...] = ("absolute", "relative")
    if asked.score:
        for reference in references:
            print(json.dumps({reference: score(voices, reference)}, indent=1), flush=True)
    if asked.out is not None:
        weights = {reference: final(voices, reference) for reference in references}
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        asked.out.write_text(json.dumps(weights, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
