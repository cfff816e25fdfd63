"""Rows of the agent's own steps: asked as the product asks, answered so that the check agrees."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import by_hand
import loopback

from agent.graph import conversation as chat
from agent.schema.evidence import Evidence
from agent.schema.picture import Picture
from finetune import rows, steps
from finetune.formats import Item

LOOKED: tuple[Evidence, Sequence[Picture]] = (
    by_hand.smiling(),
    (Picture("frame at 1.20 s", by_hand.png()),),
)


def made(**more: Any) -> list[rows.Row]:
    return steps.rows(Item(**({"id": "1", "dataset": "mine"} | more)), lambda _: LOOKED)


def test_a_model_that_has_learned_the_rows_answers_in_the_agent() -> None:
    """Whoever gives these replies to these very requests gets them past every check."""
    evidence, pictures = LOOKED
    known = {row.prompt: row for row in made()}
    assert len(known) == 4

    def host(request: dict[str, Any]) -> tuple[int, Any]:
        row = known[loopback.text_of(request)]
        assert request["messages"][0] == {"role": "system", "content": row.system}
        assert loopback.pictures_of(request) == len(row.pictures)
        return loopback.said(row.completion or "")

    with loopback.host(host) as talk:
        answer = chat.run(
            rows.QUESTION, evidence, model="openai:tiny", base_url=talk.url,
            pictures=lambda _, __: pictures,
        )  # fmt: skip
        assert len(talk.requests) == 4
    assert (answer.model, answer.grounded) == ("openai:tiny", 1.0)
    assert answer.emotions[0].label == "happiness"
    said = json.loads(list(known.values())[-1].completion or "")["sentences"]
    assert all(one["text"].split(",")[0].rstrip(".") in answer.answer for one in said)


def test_the_system_speaks_before_the_user_where_there_is_one() -> None:
    told = made()[0].sft()["prompt"]
    assert [message["role"] for message in told] == ["system", "user"]
    assert told[0]["content"][0]["text"].startswith("You judge")
    assert [part["type"] for part in told[1]["content"]] == ["image", "text"]


def test_no_row_teaches_what_the_cues_do_not_lead_to() -> None:
    assert len(made(emotion="happy")) == 4
    assert made(emotion="sadness") == []
