"""Pictures read as the prompt asks, on tiny random checkpoints of the real architectures.

~/bridge-env/bin/python -m pytest tests/test_guided.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs torch: tests/bridge_setup.sh makes a place")
transformers = pytest.importorskip("transformers", reason="needs transformers, as torch")

import tiny_duchenne  # noqa: E402
import tiny_qwen3vl  # noqa: E402
from test_bridge import asked, logits  # noqa: E402
from tiny_duchenne import LOUD, photo, voice  # noqa: E402

from agent.bridge import Duchenne, DuchenneProcessor  # noqa: E402
from agent.bridge.guided import Guided, turns  # noqa: E402


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    base, audio = tmp_path_factory.mktemp("qwen3vl"), tmp_path_factory.mktemp("whisper")
    tiny_qwen3vl.make(base)
    tiny_duchenne.whisper(audio)
    return base, audio


def make(folders: tuple[Path, Path], guided: bool) -> Any:
    torch.manual_seed(2)
    return Duchenne.from_base(
        str(folders[0]), audio=str(folders[1]), padded=False, guided=guided
    ).eval()


@pytest.fixture(scope="module")
def plain(folders: tuple[Path, Path]) -> Any:
    return make(folders, guided=False)


@pytest.fixture(scope="module")
def guided(folders: tuple[Path, Path]) -> Any:
    model = make(folders, guided=True)
    # A new one adds almost nothing, and a test of what it adds would see nothing.
    with torch.no_grad():
        for weight in (w for w in model.model.guided.parameters() if w.ndim == 2):
            weight.mul_(LOUD)
        torch.nn.init.ones_(model.model.guided.gate.weight)
    return model


@pytest.fixture(scope="module")
def processor(folders: tuple[Path, Path]) -> Any:
    return DuchenneProcessor.from_pretrained(folders[0])


def features(model: Any, inputs: Any) -> list[Any]:
    """What the language model gets of each picture."""
    held: list[Any] = []
    get = model.model.get_image_features

    def keep(*args: Any, **kwargs: Any) -> Any:
        held.append(found := get(*args, **kwargs))
        return found

    model.model.get_image_features = keep
    try:
        logits(model, inputs)
    finally:
        del model.model.get_image_features
    return list(held[0].pooler_output)


def test_off_nothing_is_there(folders: tuple[Path, Path], plain: Any, processor: Any) -> None:
    """The same weights and the base's logits to the last bit, with the voice's beside them."""
    assert not any("guided" in name for name in plain.state_dict())
    assert plain.config.guided is False
    stock = transformers.Qwen3VLForConditionalGeneration.from_pretrained(folders[0]).eval()
    inputs = asked(processor, [photo(), photo(96, 640, 1)])
    assert torch.equal(logits(stock, inputs), logits(plain, inputs))


def test_the_prompt_guides_what_is_read(guided: Any, processor: Any) -> None:
    """Another question, other features of the same picture; of a voice, the same."""
    pictures = [photo(), voice(2.0)]
    one = features(guided, asked(processor, pictures, "What do the brows do?"))
    other = features(guided, asked(processor, pictures, "Is the mouth open?"))
    assert not torch.allclose(one[0], other[0], atol=1e-4)
    assert torch.allclose(one[1], other[1], atol=1e-6)


def test_a_new_one_begins_near_its_base(
    folders: tuple[Path, Path], plain: Any, processor: Any
) -> None:
    fresh = make(folders, guided=True)
    inputs = asked(processor, [photo(), voice(1.0)])
    fresh.model.voice.load_state_dict(plain.model.voice.state_dict())
    far = (logits(fresh, inputs) - logits(plain, inputs)).abs().max()
    assert 0 < far < 0.05


def test_the_answer_is_not_seen_through_the_picture(guided: Any, processor: Any) -> None:
    """What follows the turn changes neither features nor the logits before it."""
    inputs = asked(processor, [photo()])
    logits_alone = logits(guided, inputs)
    told = processor.tokenizer("Happiness rests on AU12", return_tensors="pt")["input_ids"]
    length = inputs["input_ids"].shape[1]
    longer = dict(inputs)
    longer["input_ids"] = torch.cat([inputs["input_ids"], told], 1)
    longer["attention_mask"] = torch.ones_like(longer["input_ids"])
    more = torch.zeros_like(told)
    longer["mm_token_type_ids"] = torch.cat([inputs["mm_token_type_ids"], more], 1)
    assert torch.allclose(logits(guided, longer)[:, :length], logits_alone, atol=1e-5)


def test_each_picture_is_read_by_its_own_row(guided: Any, processor: Any) -> None:
    """In a batch, padded on the left, as alone."""
    chats = []
    for text, seeds in (("What is felt?", (0, 1)), ("Do the cheeks rise, and how far?", (2,))):
        content: list[Any] = [{"type": "image", "image": photo(seed=seed)} for seed in seeds]
        chats.append([{"role": "user", "content": [*content, {"type": "text", "text": text}]}])
    processor.tokenizer.padding_side = "left"
    how = {"add_generation_prompt": True, "tokenize": True, "return_dict": True,
           "return_tensors": "pt"}  # fmt: skip
    both = processor.apply_chat_template(chats, padding=True, **how)
    together = features(guided, both)
    alone = [one for chat in chats
             for one in features(guided, processor.apply_chat_template([chat], **how))]  # fmt: skip
    assert len(together) == len(alone) == 3
    for left, right in zip(together, alone, strict=True):
        assert torch.allclose(left, right, atol=1e-5)


def test_it_generates_and_is_saved_and_read_back(
    guided: Any, processor: Any, tmp_path: Path
) -> None:
    guided.save_pretrained(tmp_path)
    again = transformers.AutoModelForImageTextToText.from_pretrained(tmp_path).eval()
    assert again.config.guided is True
    inputs = asked(processor, [photo(), voice(1.0)])
    assert torch.allclose(logits(again, inputs), logits(guided, inputs), atol=1e-5)
    out = again.generate(**inputs, max_new_tokens=4, min_new_tokens=4, do_sample=False)
    assert out.shape[1] == inputs["input_ids"].shape[1] + 4


def test_all_of_it_learns(folders: tuple[Path, Path], processor: Any) -> None:
    """Two questions about one picture get two answers, through the picture alone."""
    torch.manual_seed(0)
    model = make(folders, guided=True)
    for name, weight in model.named_parameters():
        weight.requires_grad_(".guided." in name)
    optimizer = torch.optim.AdamW([w for w in model.parameters() if w.requires_grad], 3e-3)
    answers = processor.tokenizer(["yes", "no"], add_special_tokens=False)["input_ids"]
    ids = [answer[0] for answer in answers]
    both = [asked(processor, [photo()], text) for text in ("Do brows rise?", "Do lips part?")]

    def loss() -> Any:
        told = torch.stack([model(**each).logits[0, -1, ids] for each in both])
        return torch.nn.functional.cross_entropy(told, torch.arange(2))

    first = float(loss().detach())
    for _ in range(180):
        optimizer.zero_grad()
        now = loss()
        now.backward()
        optimizer.step()
    assert float(now.detach()) < first / 2
    still = [n for n, w in model.named_parameters() if w.requires_grad and not w.grad.abs().any()]
    # A shift of all scores, or of all keys, changes no softmax.
    assert all(name.endswith(("score.bias", "key.bias")) for name in still)


def test_a_turn_that_does_not_end_is_refused() -> None:
    ids = torch.tensor([[7, 9, 1, 1, 8, 5, 2, 6]])
    ((row, places),) = turns(ids, None, [2], image=1, other=[8, 9], end=2)
    assert (row, places.tolist()) == (0, [0, 5])
    with pytest.raises(ValueError, match="no token 2 ends the turn"):
        turns(ids[:, :6], None, [2], image=1, other=[8, 9], end=2)
    with pytest.raises(ValueError, match="2 picture tokens in the prompts, 3 in the pictures"):
        turns(ids, None, [3], image=1, other=[], end=2)
    with pytest.raises(ValueError, match="divisible by 8: 12"):
        Guided(2, 12, 16)
