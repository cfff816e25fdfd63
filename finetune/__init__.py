"""Training: the face synthesiser, the action unit estimator, SFT, GRPO."""
