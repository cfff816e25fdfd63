"""Prompts are filled strictly, and profiles hold what their sources define."""

from __future__ import annotations

import pytest

import prompts


def test_a_field_that_nobody_filled_is_named() -> None:
    with pytest.raises(prompts.PromptError, match="nothing given for problem"):
        prompts.fill("repair")


def test_a_field_that_is_not_there_is_named() -> None:
    with pytest.raises(prompts.PromptError, match="no field called mood"):
        prompts.fill("repair", problem="x", mood="y")


def test_what_is_filled_in_is_not_read_for_fields() -> None:
    filled = prompts.fill("repair", problem="{{schema}} {{problem}}")
    assert "{{schema}} {{problem}}" in filled


def test_a_prompt_that_is_not_there_is_an_error() -> None:
    with pytest.raises(prompts.PromptError, match="no prompt 'nonesuch'"):
        prompts.fill("nonesuch")


def test_an_unknown_profile_names_the_known_ones() -> None:
    with pytest.raises(prompts.PromptError, match="general, academic, ambivalence"):
        prompts.profile("happy")


@pytest.mark.parametrize("name", prompts.profiles())
def test_every_profile_is_whole(name: str) -> None:
    profile = prompts.profile(name)
    assert len(set(profile.emotion)) == len(profile.emotion) >= 2
    assert not profile.default or profile.default in profile.emotion
    assert all(len(text) > 100 for text in profile.definitions.values())
    assert not any("{{" in text for text in profile.definitions.values())


@pytest.mark.parametrize("name", prompts.profiles())
def test_every_label_is_defined_where_it_is_asked_for(name: str) -> None:
    profile = prompts.profile(name)
    asked = {
        "behaviour": profile.behavior,
        "cognition": profile.cognition,
        "emotion": profile.emotion,
    }
    for step, labels in asked.items():
        undefined = [label for label in labels if f"- {label}:" not in profile.definitions[step]]
        assert not undefined, f"{name}, {step}"


def test_the_label_sets_are_those_of_the_benchmarks() -> None:
    assert prompts.profile("learning").behavior == ("Monitoring", "Controlling", "Mixed")
    assert prompts.profile("learning").emotion == ("Positive", "Negative", "Mixed", "Neutral")
    assert len(prompts.profile("academic").emotion) == 5
    assert len(prompts.profile("compound").emotion) == 7
