"""Metrics: read over HTTP where the environment says, nothing at all otherwise."""

import socket
from urllib.request import urlopen

import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from adwright_servicekit.metrics import Metrics
from adwright_servicekit.settings import SettingsError
from adwright_servicekit.telemetry import Telemetry


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_what_is_counted_can_be_read_over_http(port: int) -> None:
    telemetry = Telemetry.from_environ("adwright-test", {"ADWRIGHT_METRICS_LISTEN": f"127.0.0.1:{port}"})
    try:
        telemetry.meter.create_counter("adwright.test.things", "1").add(3, {"result": "hit"})
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            text = answer.read().decode()
    finally:
        telemetry.close()
    line = next(line for line in text.splitlines() if line.startswith("adwright_test_things_total"))
    assert 'result="hit"' in line
    assert line.endswith(" 3.0")
    assert "process_resident_memory_bytes" in text
    with pytest.raises(OSError, match="refused"):
        urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5)


def test_readers_of_the_sdk_see_what_is_counted() -> None:
    reader = InMemoryMetricReader()
    Metrics("adwright-test", readers=[reader]).meter.create_counter("adwright.test.things").add(2)
    data = reader.get_metrics_data()
    assert data is not None
    [metric] = data.resource_metrics[0].scope_metrics[0].metrics
    assert metric.name == "adwright.test.things"


def test_nothing_is_served_unless_asked_for(port: int) -> None:
    telemetry = Telemetry.from_environ("adwright-test", {})
    telemetry.meter.create_counter("adwright.test.things").add(1)
    telemetry.close()
    with pytest.raises(OSError, match="refused"):
        urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5)


@pytest.mark.parametrize("listen", ["9464", "127.0.0.1:", "127.0.0.1:99999", "127.0.0.1:http"])
def test_a_wrong_address_stops_the_start_with_one_line(listen: str) -> None:
    with pytest.raises(SettingsError, match="ADWRIGHT_METRICS_LISTEN: expected HOST:PORT"):
        Metrics.from_environ("adwright-test", {"ADWRIGHT_METRICS_LISTEN": listen})


def test_an_address_in_use_stops_the_start_with_one_line(port: int) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        with pytest.raises(SettingsError, match=f"cannot listen on 127.0.0.1:{port}"):
            Metrics.from_environ("adwright-test", {"ADWRIGHT_METRICS_LISTEN": f"127.0.0.1:{port}"})
