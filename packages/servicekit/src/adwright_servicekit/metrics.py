"""Metrics: one meter a process, read by Prometheus where `ADWRIGHT_METRICS_LISTEN` says, or sent by OTLP.

Off unless one of the two is asked for, and then instruments cost next to nothing. OTLP goes by the standard variables:
`OTEL_METRICS_EXPORTER=otlp` and `OTEL_EXPORTER_OTLP_ENDPOINT`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from opentelemetry.metrics import Meter, MeterProvider, NoOpMeterProvider

from .settings import SettingsError

__all__ = ["Metrics"]


class Metrics:
    """The meter of one process."""

    def __init__(
        self, service: str, *, readers: Sequence[Any] = (), on_close: Callable[[], object] | None = None
    ) -> None:
        """`readers` are MetricReaders of the OpenTelemetry SDK; without any nothing is counted."""
        self._on_close = on_close
        self._provider: MeterProvider = NoOpMeterProvider()
        if readers:
            from opentelemetry.sdk.metrics import MeterProvider as SdkMeterProvider
            from opentelemetry.sdk.resources import Resource

            self._provider = SdkMeterProvider(
                metric_readers=readers, resource=Resource.create({"service.name": service}), shutdown_on_exit=False
            )
        self.meter: Meter = self._provider.get_meter("adwright")

    @classmethod
    def from_environ(cls, service: str, environ: Mapping[str, str]) -> "Metrics":
        """With what the environment asks for. Raises SettingsError where its address cannot be had."""
        readers: list[Any] = []
        close: Callable[[], object] | None = None
        disabled = environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
        if (listen := environ.get("ADWRIGHT_METRICS_LISTEN")) and not disabled:
            reader, close = _prometheus(listen)
            readers.append(reader)
        if environ.get("OTEL_METRICS_EXPORTER") == "otlp" and not disabled:
            from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
            from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

            readers.append(PeriodicExportingMetricReader(OTLPMetricExporter()))
        return cls(environ.get("OTEL_SERVICE_NAME", service), readers=readers, on_close=close)

    def close(self) -> None:
        """Sends what is left, within the exporter's own timeout. Blocks."""
        shutdown = getattr(self._provider, "shutdown", None)
        if shutdown is not None:
            shutdown()
        if self._on_close is not None:
            self._on_close()


def _prometheus(listen: str) -> tuple[Any, Callable[[], object]]:
    # Imported only when used.
    from opentelemetry.exporter.prometheus import PrometheusMetricReader
    from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server

    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise SettingsError("ADWRIGHT_METRICS_LISTEN: expected HOST:PORT, for example 0.0.0.0:9464")
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    reader = PrometheusMetricReader(registry=registry)
    try:
        server, thread = start_http_server(int(port), host, registry=registry)
    except OSError as error:
        raise SettingsError(f"ADWRIGHT_METRICS_LISTEN: cannot listen on {listen}: {error.strerror}") from None

    def close() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return reader, close
