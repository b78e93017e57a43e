"""A rollout of everything under live streams, by the manifests' own settings: none breaks, none is doubled."""

import asyncio
import os
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rollout.rehearsal import Rehearsal, rehearse
from tools.stack import SERVICES

STREAMS = int(os.environ.get("ADWRIGHT_ROLLOUT_STREAMS", "200"))
STORE = os.environ.get("ADWRIGHT_ROLLOUT_STORE", "sqlite")
"""`dynamodb`: as in the manifests, with a double that takes a core for itself. Replicas share files else."""
BEYOND_THE_DELAY = 5.0
"""Seconds. An old replica leaves the manifests' delay after it was told to; callers then ask for the name again, at
most a second later, and find the new one; a newcomer's stream counts there when it has ended."""

pytestmark = [pytest.mark.timeout(300), pytest.mark.allow_hosts(["127.0.0.0/8"])]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Rehearsal:
    with socket.socket() as probe:
        try:
            probe.bind(("127.1.2.3", 0))
        except OSError:
            pytest.skip("needs all of 127.0.0.0/8 on the loopback interface, as Linux has it")
    folder = tmp_path_factory.mktemp("rollout")
    with _stores(folder) as stores:
        seen = asyncio.run(rehearse(folder, STREAMS, stores))
    print({name: round(seconds, 1) for name, seconds in seen.took.items()})
    return seen


@contextmanager
def _stores(folder: Path) -> Iterator[dict[str, str]]:
    if STORE == "dynamodb":
        pytest.importorskip("moto", reason="moto is not installed")
        from packages.docstore.tests.dynamodb_endpoint import MOTO_CREDENTIALS, moto_server

        with moto_server() as url:
            yield MOTO_CREDENTIALS | {"AWS_ENDPOINT_URL_DYNAMODB": url}
        return
    yield {
        f"ADWRIGHT_{service}_{key}": value
        for service in ("CONTEXT", "EVALUATOR", "GATEWAY")
        for key, value in (("STORE", "sqlite"), ("SQLITE_PATH", str(folder / f"{service.lower()}.db")))
    }


def test_every_stream_lasted_through_the_whole_rollout(seen: Rehearsal) -> None:
    assert len(seen.streams) == STREAMS
    assert max(stream.first_at for stream in seen.streams) < seen.began_at
    assert min(stream.ended_at for stream in seen.streams) > seen.rolled_at


def test_no_stream_broke_and_each_has_one_beginning_and_one_end(seen: Rehearsal) -> None:
    assert [fault for stream in seen.streams if (fault := stream.fault())] == []


def test_newcomers_were_served_all_the_time_over_grpc_and_http(seen: Rehearsal) -> None:
    assert {stream.over for stream in seen.newcomers} == {"grpc", "http"}
    assert [fault for stream in seen.newcomers if (fault := stream.fault())] == []
    assert seen.question_errors == []
    assert seen.questions == 2 * len(seen.newcomers)


def test_each_text_is_what_the_model_server_wrote_and_was_written_once(seen: Rehearsal) -> None:
    assert {stream.brief: [stream.text] for stream in [*seen.streams, *seen.newcomers]} == seen.texts


def test_each_generation_is_written_down_once_and_no_quota_is_left_reserved(seen: Rehearsal) -> None:
    assert seen.recorded == {"STATE_COMPLETED": len(seen.streams) + len(seen.newcomers)}
    assert seen.reserved == 0


def test_every_new_replica_was_called_within_the_stated_bound(seen: Rehearsal) -> None:
    assert Counter(pod.manifest.service for pod in seen.new) == dict.fromkeys(SERVICES, 2)
    late = {
        f"{pod.manifest.service} {pod.address}": round(seen.waits.get(pod, 999), 1)
        for pod in seen.new
        if seen.waits.get(pod, 999) > pod.manifest.delay + BEYOND_THE_DELAY
    }
    assert late == {}


def test_every_old_replica_ended_by_itself_with_0_within_its_grace_period(seen: Rehearsal) -> None:
    assert Counter(pod.manifest.service for pod, _ in seen.exits) == dict.fromkeys(SERVICES, 2)
    assert [(pod.manifest.service, code, pod.log_tail()) for pod, code in seen.exits if code] == []
