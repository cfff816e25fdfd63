"""Rows put aside are read back as they were, from memory and from a file alike."""

from __future__ import annotations

from pathlib import Path
from typing import IO

import numpy as np
import pytest

from agent.schema.samples import Floats
from agent.senses import spool
from agent.senses.spool import Picked, Spool
from agent.util.cache import FullError


@pytest.fixture(params=[1 << 20, 64], ids=["in memory", "in a file"])
def rows(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[Spool, Floats]:
    """500 rows of 3, put aside, and as an array."""
    monkeypatch.setattr(spool, "IN_MEMORY", request.param)
    kept, every = Spool(), np.random.default_rng(2).random((500, 3), dtype=np.float32)
    for row in every:
        kept.append(row)
    return kept, every


def test_spans_are_read_back_bit_by_bit(rows: tuple[Spool, Floats]) -> None:
    kept, every = rows
    assert len(kept) == 500
    for span in (slice(None), slice(3, 9), slice(490, 900), slice(7, 7)):
        assert np.array_equal(kept[span], every[span])


def test_rows_are_picked_in_any_order_and_from_far_apart(rows: tuple[Spool, Floats]) -> None:
    kept, every = rows
    index = np.array([5, 6, 6, 9, 480, 481, 2, 300])
    assert np.array_equal(kept.take(index), every[index])
    picked = Picked(kept, index)
    assert np.array_equal(picked[2:7], every[index[2:7]])
    assert picked[8:].shape == (0, 3)


def test_what_is_read_between_two_rows_does_not_hurt_the_next(rows: tuple[Spool, Floats]) -> None:
    kept, every = rows
    assert np.array_equal(kept[0:2], every[0:2])
    kept.append(np.ones(3, np.float32))
    assert np.array_equal(kept[499:], np.stack([every[499], np.ones(3, np.float32)]))


def test_a_row_of_another_length_is_refused(rows: tuple[Spool, Floats]) -> None:
    with pytest.raises(ValueError, match="a row of 4 numbers among rows of 3"):
        rows[0].append(np.ones(4, np.float32))


def test_a_full_disk_is_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_given: object, **_named: object) -> IO[bytes]:
        return Path("/dev/full").open("r+b", buffering=0)  # a disk without room

    monkeypatch.setattr(spool, "SpooledTemporaryFile", full)
    with pytest.raises(FullError, match=r"No space left on device in .*; .*TMPDIR"):
        Spool().append(np.ones(3, np.float32))
