"""Switches off what libraries report to their makers, for this process and all it begins.

Libraries read these when they are imported: `agent`, `eval` and `finetune` call `switch_off`
before anything else of theirs is. Not a choice of the user's: nothing leaves the machine but what
goes to a model host that was named, and a variable set for other work must not change that.
"""

import os

REPORTS = {
    # On by default in its wheels since 1.32: a device id, and what is run on which hardware.
    "ORT_DISABLE_TELEMETRY": "1",
    # https://donottrack.sh: huggingface_hub, vLLM, and others that follow it.
    "DO_NOT_TRACK": "1",
    # huggingface_hub, transformers, datasets, and every trainer of TRL when it is made.
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "GRADIO_ANALYTICS_ENABLED": "False",
}
"""Environment variable → the value that switches reports to a library's makers off."""

TRACES = {
    # LangChain's tracing sends whole conversations to its makers' service.
    "LANGSMITH_TRACING": "false",
    "LANGSMITH_TRACING_V2": "false",
    "LANGCHAIN_TRACING": "false",
    "LANGCHAIN_TRACING_V2": "false",
    # FastAPI exports what it is asked, to wherever other variables say.
    "FASTAPI_OTEL_AUTO_CONFIGURE": "false",
}
"""The same for traces of a program's own work; a program that imports `agent` may want its own,
and what `agent` does in it is kept out of them (`agent.graph.conversation`)."""


def switch_off(*, traces: bool = False) -> None:
    """Set the switches, also where the environment says otherwise.

    `traces` for processes that are ours alone.
    """
    os.environ.update(REPORTS | (TRACES if traces else {}))
