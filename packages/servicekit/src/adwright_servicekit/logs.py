"""Logs: one JSON object a line on standard error, with the trace they belong to."""

import logging
import sys
import traceback

from opentelemetry import trace
from pythonjsonlogger.json import JsonFormatter

__all__ = ["configure", "where"]


# They tell every request, and on DEBUG what was in it: a customer's words.
_TALKATIVE = ("aiohttp.access", "botocore", "boto3", "httpcore2", "httpx2", "openai", "urllib3")


class _TraceIds(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        context = trace.get_current_span().get_span_context()
        if context.is_valid:
            record.trace_id = trace.format_trace_id(context.trace_id)
            record.span_id = trace.format_span_id(context.span_id)
        return True


def configure(service: str, level: str, style: str) -> None:
    """Sends all logs of this process to standard error. `style` is `json` or `plain`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_TraceIds())
    if style == "json":
        handler.setFormatter(
            JsonFormatter(
                "%(asctime)s %(levelname)s %(name)s %(message)s",
                rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
                static_fields={"service": service},
            )
        )
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


def where(error: BaseException) -> str:
    """The type of an error and the lines it passed, without its text: that may hold a customer's words."""
    frames = "".join(traceback.format_tb(error.__traceback__)).strip()
    return f"{type(error).__module__}.{type(error).__qualname__}\n{frames}"
