"""Serves the model on Modal as an OpenAI-compatible backend: vLLM on one GPU, from none to as many as wanted.

`modal deploy deploy/modal/serve.py`; the README says what comes before and after. What may differ is named by variables
at that moment and is in the image from then on.
"""

import os
import subprocess
from pathlib import Path

import modal

MINUTES = 60
PORT = 8000

# The model and the server of the kustomize component vllm, so that a stream can go on here where it broke off there.
SETTINGS = {
    "ADWRIGHT_MODAL_MODEL": "hugging-quants/Meta-Llama-3.1-8B-Instruct-AWQ-INT4",
    "ADWRIGHT_MODAL_GPU": "A10G",
    "ADWRIGHT_MODAL_MAX_CONTAINERS": "4",
}
SETTINGS |= {name: os.environ[name] for name in SETTINGS if name in os.environ}

MODEL = SETTINGS["ADWRIGHT_MODAL_MODEL"]
GPU = SETTINGS["ADWRIGHT_MODAL_GPU"]
MAX_CONTAINERS = int(SETTINGS["ADWRIGHT_MODAL_MAX_CONTAINERS"])

STREAMS = 32
"""At a time in one container: an A10G is full. `max_concurrency` of the generator is for all containers."""
COMFORTABLE_STREAMS = 24
"""From here on Modal starts another container, which takes a minute or more."""

_GUARD = Path(__file__).parent / "guard.py"

image = (
    modal.Image.from_registry("nvidia/cuda:12.9.0-devel-ubuntu22.04", add_python="3.12")
    .entrypoint([])
    .uv_pip_install("vllm==0.26.0")
    .env(SETTINGS | {"PYTHONPATH": "/opt/adwright", "VLLM_NO_USAGE_STATS": "1", "HF_HUB_DISABLE_TELEMETRY": "1"})
    .add_local_file(_GUARD, "/opt/adwright/guard.py")
)

# Weights are loaded from the hub once; what vLLM compiles is kept too.
weights = modal.Volume.from_name("adwright-weights", create_if_missing=True)
compiled = modal.Volume.from_name("adwright-vllm", create_if_missing=True)
# ADWRIGHT_MODAL_API_KEY, and HF_TOKEN where the model is gated.
secret = modal.Secret.from_name("adwright-modal", required_keys=["ADWRIGHT_MODAL_API_KEY"])

app = modal.App("adwright")


def command() -> list[str]:
    """What runs in a container. The key is in the environment, where no list of processes shows it."""
    return [
        "vllm",
        "serve",
        MODEL,
        "--host=0.0.0.0",
        f"--port={PORT}",
        "--middleware=guard.Guard",
        f"--max-num-seqs={STREAMS}",
        "--max-model-len=8192",
        "--gpu-memory-utilization=0.92",
        "--disable-fastapi-docs",
    ]


@app.function(
    image=image,
    gpu=GPU,
    volumes={"/root/.cache/huggingface": weights, "/root/.cache/vllm": compiled},
    secrets=[secret],
    min_containers=0,
    max_containers=MAX_CONTAINERS,
    # So long a container waits for the next request, and is paid for, before it ends.
    scaledown_window=5 * MINUTES,
    # The longest a stream may take.
    timeout=10 * MINUTES,
)
@modal.concurrent(max_inputs=STREAMS, target_inputs=COMFORTABLE_STREAMS)
@modal.web_server(port=PORT, startup_timeout=10 * MINUTES)
def serve() -> None:
    """Starts the server; Modal sends requests as soon as the port answers."""
    subprocess.Popen(command())  # noqa: S603 - every word of it is ours or the deployer's
