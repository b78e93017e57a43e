"""What the TGI double says of itself at `/info` and `/metrics`. Source: TGI 3.x, router/src/lib.rs and server.rs."""

from typing import Any

__all__ = ["info_of", "metrics_of"]


def info_of(model: str, *, max_concurrent: int, max_total_tokens: int) -> dict[str, Any]:
    """The body of `/info`."""
    return {
        "model_id": model,
        "model_sha": None,
        "model_pipeline_tag": "text-generation",
        "max_concurrent_requests": max_concurrent,
        "max_best_of": 2,
        "max_stop_sequences": 4,
        "max_input_tokens": max_total_tokens - 1,
        "max_total_tokens": max_total_tokens,
        "validation_workers": 2,
        "max_client_batch_size": 4,
        "router": "text-generation-router",
        "version": "3.3.6",
        "sha": None,
        "docker_label": None,
    }


def metrics_of(*, requests: int, queue: int, batch: int, done: int, seconds: float) -> str:
    """The body of `/metrics`: of the many those that tell the load. `seconds` is the sum over the `done`."""
    duration = "tgi_request_inference_duration"
    return (
        f"# TYPE tgi_request_count counter\ntgi_request_count {requests}\n\n"
        f"# TYPE tgi_queue_size gauge\ntgi_queue_size {queue}\n\n"
        f"# TYPE tgi_batch_current_size gauge\ntgi_batch_current_size {batch}\n\n"
        f'# TYPE {duration} histogram\n{duration}_bucket{{le="+Inf"}} {done}\n'
        f"{duration}_sum {seconds}\n{duration}_count {done}\n"
    )
