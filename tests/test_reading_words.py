"""The words' reading: what it reads, what it leaves, and that its parts sum to the whole."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.reading import words
from agent.reading.language import seems
from agent.reading.word_features import tokens
from agent.reading.words import LABELS, PRIOR, WEIGHTS, WordsWeights, WordsWeightsError, read_words
from finetune.reading import words as learning
from finetune.reading import words_scores

HERE = Path(__file__).parent
PARTS = (
    "i am not never happy sad the so a very angry don't love you ? ! , . but really terrified "
    "it's gross wow ❤ HATE happy zzyzx no nobody without"
)


def sentences(part: str) -> list[tuple[str, str]]:
    """Label and sentence of a set of reading_words_sentences.tsv."""
    lines = (HERE / "reading_words_sentences.tsv").read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    return [(label, text) for where, label, text in rows if where == part]


def others() -> list[tuple[str, str]]:
    """Language and sentence."""
    lines = (HERE / "reading_words_languages.tsv").read_text(encoding="utf-8").splitlines()
    return [(line.split("\t")[0], line.split("\t")[1]) for line in lines]


def best(text: str) -> str | None:
    reading = read_words(text)
    return None if reading is None else max(reading.logits, key=reading.logits.__getitem__)


def share(text: str, label: str) -> float:
    reading = read_words(text)
    assert reading is not None, text
    return reading.shares()[label]


# --- what is said ---------------------------------------------------------------------------


@pytest.mark.parametrize(("part", "least"), [("seen", 0.8), ("held", 0.7)])
def test_sentences_written_beforehand_are_read(part: str, least: float) -> None:
    rows = sentences(part)
    wrong = [(label, best(text), text) for label, text in rows if best(text) != label]
    print(f"{part}: {len(rows) - len(wrong)} of {len(rows)}", *wrong, sep="\n")
    assert len(rows) - len(wrong) >= round(least * len(rows))


@pytest.mark.parametrize(
    ("plain", "negated", "label"),
    [
        ("I am happy.", "I am not happy.", "happiness"),
        ("I'm glad you came.", "I'm not glad you came.", "happiness"),
        ("She is proud of it.", "She isn't proud of it.", "happiness"),
        ("I am scared of him.", "I am not scared of him.", "fear"),
        ("I love this place.", "I don't love this place.", "happiness"),
        ("I think she is happy.", "I don't think she is happy.", "happiness"),
        ("He was angry about it.", "He was never angry about it.", "anger"),
        ("Everybody was happy there.", "Nobody was happy there.", "happiness"),
    ],
)
def test_a_negated_feeling_is_said_less(plain: str, negated: str, label: str) -> None:
    assert share(negated, label) < 0.7 * share(plain, label)


@pytest.mark.parametrize(
    "text",
    [
        "I have never been so glad.",
        "I couldn't be happier.",
        "We could not be more grateful.",
        "I can't wait, I am so excited!",
        "No, I love it.",
        "I didn't know, but I am happy about it.",
        "No doubt this is wonderful.",
    ],
)
def test_a_negator_that_negates_no_feeling_leaves_it(text: str) -> None:
    assert best(text) == "happiness"


def test_what_a_negator_reaches() -> None:
    def reached(text: str) -> list[str]:
        found = tokens(text)
        return [token.text for token in found if token.negator is not None]

    assert reached("I do not like it, I love it") == ["like"]
    assert reached("not sad but angry") == ["sad"]
    assert reached("Don't you love it?") == []
    assert reached("I dont like that") == ["like"]
    assert reached("it is not unhappy, never sad") == ["unhappy", "sad"]
    assert reached("not without joy") == []


def test_words_never_seen_are_read_by_their_pieces() -> None:
    known = set(WordsWeights.load(WEIGHTS).names)
    for word, label in (
        ("terrifyingness", "fear"),
        ("lovelily", "happiness"),
        ("grossest", "disgust"),
    ):
        assert word not in known
        reading = read_words(f"It was {word}.")
        assert reading is not None
        told = {name: reading.contributions[name][word] for name in LABELS}
        assert max(told, key=told.__getitem__) == label, told


def test_spelling_that_shouts_or_drawls_is_read_as_the_word() -> None:
    for text in ("I LOVE IT", "i looooove it", "I love it ❤", "“I love it”", "I’m so happy!!!"):
        assert best(text) == "happiness", text


def test_groups_of_people_count_for_nothing() -> None:
    for frame in ("My neighbour is {}.", "I saw {} people on the bus.", "The {} one is so kind."):
        logits = [read_words(frame.format(group)) for group in ("Muslim", "gay", "black", "German")]
        assert len({tuple(each.logits.values()) for each in logits if each is not None}) == 1
        assert None not in logits


# --- reasons --------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(PARTS.split()),
        max_size=14,
    )
)
def test_contributions_sum_to_the_logits(parts: list[str]) -> None:
    reading = read_words(" ".join(parts), "en")
    if reading is not None:
        assert set(reading.logits) == set(reading.contributions) == set(LABELS)
        for label, logit in reading.logits.items():
            assert sum(reading.contributions[label].values()) == pytest.approx(logit, abs=1e-4)
        assert sum(reading.shares().values()) == pytest.approx(1)


def test_the_word_that_says_it_gives_the_most() -> None:
    for text, label, word in (
        ("I am so happy today", "happiness", "happy"),
        ("He was terrified of the dark", "fear", "terrified"),
        ("The food was disgusting", "disgust", "disgusting"),
        ("We miss her, it is so sad", "sadness", "sad"),
    ):
        reading = read_words(text)
        assert reading is not None
        given_by = reading.contributions[label]
        assert max(given_by, key=given_by.__getitem__) == word
        assert PRIOR in given_by


def test_a_negated_word_stands_with_its_negator() -> None:
    near, far = read_words("I am not happy"), read_words("I don't think that he is happy")
    assert near is not None and far is not None
    plain = read_words("I am happy")
    assert plain is not None
    said, denied = plain.contributions["happiness"], near.contributions["happiness"]
    assert denied["not happy"] < said["happy"]
    assert "happy" not in near.contributions["happiness"]
    assert "don't … happy" in far.contributions["happiness"]


# --- what is not read -----------------------------------------------------------------------


def test_other_languages_are_not_read() -> None:
    through = [(language, text) for language, text in others() if read_words(text) is not None]
    print(f"{len(through)} of {len(others())} let through", *through, sep="\n")
    assert len(through) <= 0.05 * len(others())


def test_english_is_not_taken_for_another_language() -> None:
    rows = sentences("seen") + sentences("held")
    unread = [text for _, text in rows if read_words(text) is None]
    assert len(unread) <= len(rows) // 50  # short ones of rare words are left unread


@pytest.mark.parametrize(
    "text",
    ["", "   ", "…", "123 456", "Zorblax frumious quuxly.", "Мне очень страшно", "我很高兴", "?!"],
)
def test_nothing_known_is_not_told(text: str) -> None:
    assert read_words(text) is None


def test_the_language_that_the_caller_knows_counts() -> None:
    assert read_words("I am happy", "de") is None
    for name in ("en", "EN", "en-GB", "en_US", "english"):
        reading = read_words("Super!", name)
        assert reading is not None and reading.language == "en"
    assert seems("Das ist super") == "de" and seems("This is super") == "en"


def test_a_long_text_is_read_in_bounded_time() -> None:
    reading = read_words("I am happy but not sad. " * 4000)
    assert reading is not None and np.isfinite(list(reading.logits.values())).all()


# --- weights --------------------------------------------------------------------------------


def test_the_weights_are_small_and_need_numpy_alone() -> None:
    assert WEIGHTS.stat().st_size <= 1_000_000
    code = (
        "import sys; from agent.reading.words import read_words; assert read_words('I am happy');"
        "print([m for m in ('scipy', 'sklearn', 'torch', 'transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "[]", done.stderr


def test_damaged_weights_are_told(tmp_path: Path) -> None:
    for name, data in (("empty", b""), ("cut", WEIGHTS.read_bytes()[:50_000]), ("text", b"hello")):
        path = tmp_path / f"{name}.npz"
        path.write_bytes(data)
        with pytest.raises(WordsWeightsError, match=name):
            WordsWeights.load(path)
    with pytest.raises(WordsWeightsError, match=r"none\.npz"):
        WordsWeights.load(tmp_path / "none.npz")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as GoEmotions comes, with sentences of one plain grammar."""
    place = tmp_path_factory.mktemp("text")
    names = [name for many in learning.EKMAN.values() for name in many.split()]
    (place / "goemotions_labels.txt").write_text("\n".join(names))
    said = {
        "joy": "glad",
        "sadness": "sad",
        "fear": "afraid",
        "anger": "furious",
        "neutral": "here",
    }
    who = ["I", "we", "you", "they", "[NAME]", "everybody", "nobody", "she", "he", "people"]
    rows = [
        f"{person} {verb} {word} number {n}\t{names.index(label)}\tid{n}"
        for n in range(12)
        for person in who
        for verb in ("was", "is")
        for label, word in said.items()
    ]
    (place / "goemotions_train.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (place / "goemotions_dev.tsv").write_text("\n".join(rows[:200]) + "\n", encoding="utf-8")
    return place


def test_weights_are_made_anew_by_one_command(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "words.npz"
    learning.main(["--data", str(table), "--out", str(out)])
    weights = WordsWeights.load(out)
    assert "¬glad" in weights.names and "name" not in weights.names
    monkeypatch.setattr(words, "_weights", lambda: weights)
    reading = read_words("They was glad", "en")
    assert reading is not None
    assert max(reading.logits, key=reading.logits.__getitem__) == "happiness"
    # Read one at a time and learned as a table: the same numbers.
    together = learning.logits(weights, ["They was glad"])[0]
    assert list(reading.logits.values()) == pytest.approx(list(together), abs=1e-3)
    capsys.readouterr()
    words_scores.main(["--data", str(table), "--weights", str(out)])
    assert '"goemotions dev"' in capsys.readouterr().out


def test_eight_bits_lose_little(table: Path, tmp_path: Path) -> None:
    given = learning.comments(table / "goemotions_train.tsv")
    exact = learning.learn(given)
    exact.save(tmp_path / "w.npz")
    held = WordsWeights.load(tmp_path / "w.npz")
    one, other = (learning.logits(each, given.texts[:100]) for each in (exact, held))
    assert np.abs(one - other).max() < 0.03 * np.ptp(one)


def test_every_label_of_goemotions_has_a_place() -> None:
    names = [name for many in learning.EKMAN.values() for name in many.split()]
    assert len(names) == len(set(names)) == 28
    assert set(learning.EKMAN) == set(LABELS)


def test_scores_are_those_counted_by_hand() -> None:
    true = np.array([[1, 0], [1, 0], [0, 1], [0, 1]], bool)
    said = np.array([[1, 0], [0, 1], [0, 1], [0, 1]], bool)
    assert words_scores.f1(true, said) == pytest.approx([2 / 3, 0.8])
    sure, right = np.array([0.9, 0.9, 0.6, 0.6]), np.array([1, 1, 1, 0], bool)
    assert words_scores.ece(sure, right) == pytest.approx(0.1 / 2 + 0.1 / 2)
    assert words_scores.auroc(np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1], bool)) == 0.75
