"""Runs killed at random moments: the rows of a run that nobody disturbed. Minutes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from eval import bench_captions

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


def test_killed_runs_end_with_the_same_rows(
    media: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUCHENNE_CACHE", str(tmp_path / "cache"))
    kills = int(os.environ.get("DUCHENNE_KILLS", "12"))
    clips = tmp_path / "clips"
    bench_captions.clips(media, clips, 3 * kills // 2)
    told = bench_captions.kills(clips, tmp_path / "out", kills, 12, ["--shard-rows", "7"])
    assert told["kills"] == kills
    assert told["runs_completed_and_equal"] >= 1
