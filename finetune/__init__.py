"""Training: the face synthesiser, the action unit estimator, SFT, GRPO."""

import agent  # noqa: F401 - first: it switches off what libraries report
