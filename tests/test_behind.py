"""Work done behind: in order, bounded, and no error is lost."""

from __future__ import annotations

import threading

import pytest

from agent.perception.worker import WAITING, Behind


def test_everything_is_done_in_order() -> None:
    done: list[int] = []
    behind = Behind(done.append)
    for item in range(100):
        behind.push(item)
    behind.finish()
    assert done == list(range(100))


def test_whoever_is_too_fast_is_held_up() -> None:
    gate, done = threading.Event(), threading.Event()

    def work(_: int) -> None:
        gate.wait(5)

    behind = Behind(work)

    def hurry() -> None:
        for item in range(3 * WAITING):
            behind.push(item)
        done.set()

    threading.Thread(target=hurry, daemon=True).start()
    assert not done.wait(0.2)
    gate.set()
    assert done.wait(5)
    behind.finish()


def test_an_error_reaches_whoever_handed_over() -> None:
    def work(item: int) -> None:
        if item == 3:
            raise ValueError("the third")

    behind = Behind(work)
    with pytest.raises(ValueError, match="the third"):
        for item in range(1000):
            behind.push(item)
    with pytest.raises(ValueError, match="the third"):
        behind.finish()
