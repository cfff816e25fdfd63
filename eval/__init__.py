"""Measures, benchmarks and reports."""

import agent  # noqa: F401 - first: it switches off what libraries report
