"""What vLLM is told at its start: checkpoints of type "duchenne", and the class that runs them.

Found through the entry point group `vllm.general_plugins` wherever Duchenne is installed beside
vLLM, and called in each of its processes, some of them more than once. Builds nothing and touches
no GPU: the class is named, and loaded where a worker needs it.
"""

from __future__ import annotations

from typing import Final

ARCHITECTURE: Final = "DuchenneForConditionalGeneration"
MODEL: Final = f"agent.bridge.vllm_model:{ARCHITECTURE}"


def register() -> None:
    """Make vLLM, and the Auto classes it reads configurations with, know the bridge."""
    from vllm import ModelRegistry

    import agent.bridge  # noqa: F401  # its import tells the Auto classes

    if ARCHITECTURE not in ModelRegistry.get_supported_archs():
        ModelRegistry.register_model(ARCHITECTURE, MODEL)
