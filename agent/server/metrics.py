"""Counters for Prometheus. Labels are routes, statuses and models: nothing of anybody's clip."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS: Final = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)


class Metrics:
    """The numbers of one server; each name begins with `duchenne_`."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = self._counter("requests", "Answered requests.", "route", "status")
        self.refused = self._counter("refused", "Requests refused before work.", "code")
        self.cancelled = self._counter("cancelled", "Requests whose client went away.")
        self.media_bytes = self._counter("media_bytes", "Bytes of clips taken in.")
        self.media_seconds = self._counter("media_seconds", "Seconds of clips looked at.")
        self.eyes_lost = self._counter("eyes_lost", "Decoders that died or were killed.")
        self.tokens = self._counter("tokens", "Tokens of the language model.", "kind")
        self.in_flight = self._gauge("in_flight", "Requests that run or wait.")
        self.running = self._gauge("running", "Clips that are worked on.")
        self.model_up = self._gauge("model_up", "Whether the language model answers.")
        self.seconds = Histogram(
            "duchenne_request_seconds",
            "Time to the last byte.",
            ["route"],
            buckets=_SECONDS,
            registry=self._registry,
        )

    def _counter(self, name: str, what: str, *labels: str) -> Counter:
        return Counter(f"duchenne_{name}", what, labels, registry=self._registry)

    def _gauge(self, name: str, what: str) -> Gauge:
        return Gauge(f"duchenne_{name}", what, registry=self._registry)

    def text(self) -> bytes:
        """All of them in Prometheus' text form."""
        return generate_latest(self._registry)
