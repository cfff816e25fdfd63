"""Events from series: what a person looking at the curve would say happened."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.senses.units import events
from agent.senses.units.events import Event


def curve(fps: float, seconds: float, *bumps: tuple[float, float, float, float, float]):
    """Times, and a series with bumps (onset, apex, end of apex, offset, intensity)."""
    times = np.arange(round(fps * seconds)) / fps
    values = np.zeros_like(times)
    for onset, apex, apex_end, offset, peak in bumps:
        shape = np.interp(times, [onset, apex, apex_end, offset], [0, peak, peak, 0], 0, 0)
        values = np.maximum(values, shape)
    return times, values


def found(times, **columns) -> list[Event]:
    return events.find(times, columns)


@pytest.mark.parametrize("fps", [15, 20, 25, 30, 60])
def test_an_event_has_the_times_and_the_height_of_its_curve(fps: float) -> None:
    times, values = curve(fps, 6, (1.5, 2.0, 3.0, 3.8, 3.2))
    (event,) = found(times, AU12=values)
    assert event.onset == pytest.approx(1.5, abs=0.12)
    assert 1.9 <= event.apex <= 3.1
    assert event.offset == pytest.approx(3.8, abs=0.15)
    assert event.peak == pytest.approx(3.2, abs=0.15)
    assert not event.brief


@pytest.mark.parametrize("fps", [20, 30, 60])
def test_a_fifth_of_a_second_survives_and_is_marked_brief(fps: float) -> None:
    times, values = curve(fps, 4, (2.0, 2.08, 2.12, 2.22, 3.0))
    values += np.random.default_rng(0).normal(0, 0.1, len(values))
    (event,) = found(times, AU04=values)
    assert event.brief
    assert abs(event.onset - 2.0) < 0.1
    assert event.samples >= 4


def test_one_wild_sample_is_no_event() -> None:
    times, values = curve(30, 4)
    values[60] = 5.0
    assert found(times, AU12=values) == []


def test_noise_alone_gives_no_events() -> None:
    noise = np.random.default_rng(1)
    times = np.arange(900) / 30
    for sd in (0.1, 0.3, 0.6):
        assert found(times, AU12=np.abs(noise.normal(0, sd, 900))) == []


def test_a_wavering_smile_is_one_event_and_two_smiles_are_two() -> None:
    times, wavering = curve(30, 8, (1, 1.5, 5, 6, 3.0))
    wavering[75:80] = 1.8
    assert len(found(times, AU12=wavering)) == 1
    times, twice = curve(30, 8, (1, 1.5, 2, 2.6, 3.0), (2.8, 3.2, 4, 5, 3.0))
    first, second = found(times, AU12=twice)
    assert first.offset <= second.onset + 0.05
    assert second.onset == pytest.approx(2.8, abs=0.2)


def test_bad_samples_are_gaps_and_not_zeros() -> None:
    times, values = curve(30, 8, (1, 1.5, 6, 7, 3.0))
    short, long = values.copy(), values.copy()
    short[90:93] = np.nan
    long[90:120] = np.nan
    assert len(found(times, AU12=short)) == 1
    before, after = found(times, AU12=long)
    assert not before.seen_offset and before.seen_onset
    assert not after.seen_onset and after.seen_offset
    assert found(times, AU12=np.full_like(values, np.nan)) == []


def test_what_is_there_from_the_first_frame_is_not_called_brief() -> None:
    times, values = curve(30, 4, (-1, -0.5, 0.2, 0.4, 3.0))
    (event,) = found(times, AU12=values)
    assert not event.seen_onset and event.seconds < 0.5 and not event.brief


def test_the_side_that_acts_is_named() -> None:
    times, strong = curve(30, 5, (1, 1.5, 3, 3.5, 3.0))
    weak = 0.15 * strong
    assert [e.side for e in found(times, AU14_L=strong, AU14_R=weak)] == ["L"]
    assert [e.side for e in found(times, AU14_L=weak, AU14_R=strong)] == ["R"]
    assert [e.side for e in found(times, AU14_L=strong, AU14_R=0.7 * strong)] == ["B"]
    assert [e.side for e in found(times, AU14=strong)] == [None]
    assert found(times, AU14_L=strong, AU14_R=weak)[0].peak == pytest.approx(3.0, abs=0.1)


def test_a_blink_a_long_closure_and_narrowed_lids_are_told_apart() -> None:
    times, blink = curve(30, 8, (2, 2.08, 2.12, 2.25, 4.5))
    assert [(e.au, e.brief) for e in found(times, AU45=blink)] == [(45, False)]
    _, closed = curve(30, 8, (2, 2.2, 4.0, 4.3, 4.5))
    (event,) = found(times, AU45=closed)
    assert event.au == 43 and event.held == pytest.approx(2.05, abs=0.2)
    _, narrowed = curve(30, 8, (2, 2.2, 4.0, 4.3, 2.0))
    assert found(times, AU45=narrowed) == []


def test_closure_is_split_into_two_series_that_add_up() -> None:
    times, closed = curve(30, 8, (1, 1.08, 1.12, 1.25, 4.5), (3, 3.2, 5.0, 5.3, 4.5))
    closed[200] = np.nan
    long, short = events.closures(times, closed)
    assert np.nanmax(long[60:]) > 4 and long[:60].max() == 0
    assert short[:60].max() > 4 and short[85:165].max() < 0.5
    assert np.allclose((long + short)[:200], closed[:200])
    assert np.isnan(long[200]) and np.isnan(short[200])


def test_a_single_picture_gives_what_it_shows() -> None:
    (event,) = found(np.array([0.0]), AU12=np.array([3.0]), AU04=np.array([0.4]))
    assert (event.au, event.onset, event.apex, event.offset) == (12, 0, 0, 0)
    assert not event.brief
    (shut,) = found(np.array([0.0]), AU45=np.array([4.0]))
    assert shut.au == 43
    assert found(np.array([0.0]), AU45=np.array([2.0])) == []


def test_floors_are_kept() -> None:
    times, values = curve(30, 4, (1, 1.3, 2, 2.5, 1.6))
    assert len(events.find(times, {"AU17": values})) == 1
    assert events.find(times, {"AU17": values}, {17: 2.0}) == []


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(0, 5) | st.just(float("nan")), min_size=1, max_size=80),
    st.sampled_from([5.0, 12.0, 30.0]),
)
def test_whatever_the_series_events_are_in_order(values: list[float], fps: float) -> None:
    times = np.arange(len(values)) / fps
    for event in found(times, AU12=np.array(values), AU45=np.array(values)):
        assert times[0] <= event.onset <= event.apex <= event.offset <= times[-1]
        assert 0 <= event.peak <= 5 and event.samples >= 1
