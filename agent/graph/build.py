"""The wiring: behaviour → cognition → emotion → check → revise or look again → answer.

Knows the order of the steps and nothing of what they do.
"""

from __future__ import annotations

from copy import copy
from functools import cache
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from agent.graph import nodes
from agent.models.context import Context
from agent.schema.state import PersonOutcome, PersonState, State

Graph = CompiledStateGraph[State, Context, State, State]


@cache
def person_graph() -> CompiledStateGraph[PersonState, Context, PersonState, PersonOutcome]:
    """The way of one person."""
    graph = StateGraph(PersonState, Context, output_schema=PersonOutcome)
    graph.add_node("behaviour", nodes.behaviour)
    graph.add_node("cognition", nodes.cognition)
    graph.add_node("emotion", nodes.emotion)
    graph.add_node("check", nodes.check)
    graph.add_node("revise", nodes.revise)
    graph.add_node("look", nodes.look)
    graph.add_node("settle", nodes.settle)
    graph.add_edge(START, "behaviour")
    graph.add_edge("behaviour", "cognition")
    graph.add_edge("cognition", "emotion")
    graph.add_edge("emotion", "check")
    graph.add_conditional_edges("check", nodes.after_check)
    graph.add_edge("revise", "check")
    graph.add_edge("look", "behaviour")
    graph.add_edge("settle", END)
    return graph.compile()


def build(checkpointer: BaseCheckpointSaver[Any] | None = None) -> Graph:
    """The whole graph; with a checkpointer its threads are kept.

    Compiled once: reading the nodes' sources again costs more than a question to the rules.
    """
    made = copy(_whole())
    made.checkpointer = checkpointer
    return made


@cache
def _whole() -> Graph:
    graph = StateGraph(State, Context)
    graph.add_node("plan", nodes.plan)
    graph.add_node("person", person_graph())
    graph.add_node("answer", nodes.answer)
    graph.add_edge(START, "plan")
    graph.add_conditional_edges("plan", nodes.fan_out, ["person"])
    graph.add_edge("person", "answer")
    graph.add_edge("answer", END)
    return graph.compile()
