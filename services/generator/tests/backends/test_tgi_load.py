"""The load of a TGI server: from its metrics to a predicted wait."""

import pytest

from adwright_generator.backends._tgi_load import LoadTracker, Stats, parse_metrics

METRICS = """\
# HELP tgi_request_inference_duration something
# TYPE tgi_request_inference_duration summary
tgi_request_inference_duration{quantile="0.5"} 1.5
tgi_request_inference_duration_sum 30.5
tgi_request_inference_duration_count 10

# TYPE tgi_queue_size gauge
tgi_queue_size 7
# TYPE tgi_batch_current_size gauge
tgi_batch_current_size 4
tgi_batch_current_max_tokens 99
"""


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def load(clock: Clock) -> LoadTracker:
    return LoadTracker(clock)


def test_the_metrics_are_found_among_the_others() -> None:
    assert parse_metrics(METRICS) == Stats(queue=7, batch=4, service_sum=30.5, service_count=10)


@pytest.mark.parametrize("text", ["", "<html>", "tgi_queue_size {{", "tgi_queue_size NaN"])
def test_what_are_no_metrics_is_no_load(text: str) -> None:
    assert parse_metrics(text) is None


def test_nothing_is_waited_for_while_nothing_is_known(load: LoadTracker) -> None:
    assert load.predicted_wait(50) == 0


def test_the_wait_is_the_queue_over_the_batch_in_service_times(load: LoadTracker) -> None:
    load.answered(Stats(queue=8, batch=4, service_sum=30, service_count=10), 0)
    assert load.predicted_wait(0) == 8 * 3.0 / 4


def test_a_server_that_has_finished_nothing_yet_counts_with_two_seconds(load: LoadTracker) -> None:
    load.answered(Stats(queue=3), 0)
    assert load.predicted_wait(0) == 3 * 2.0


def test_the_mean_service_time_is_that_between_two_polls_and_then_kept(load: LoadTracker) -> None:
    load.answered(Stats(queue=1, batch=1, service_sum=100, service_count=10), 0)
    load.answered(Stats(queue=1, batch=1, service_sum=104, service_count=12), 0)
    assert load.predicted_wait(0) == 2.0
    load.answered(Stats(queue=1, batch=1, service_sum=104, service_count=12), 0)
    assert load.predicted_wait(0) == 2.0


def test_a_server_that_began_anew_counts_from_its_own_beginning(load: LoadTracker) -> None:
    load.answered(Stats(queue=1, batch=1, service_sum=100, service_count=10), 0)
    load.answered(Stats(queue=1, batch=1, service_sum=8, service_count=2), 0)
    assert load.predicted_wait(0) == 4.0


def test_what_was_sent_since_the_poll_stands_in_the_queue_too(load: LoadTracker) -> None:
    load.answered(Stats(queue=2, batch=2), in_flight=5)
    assert load.predicted_wait(8) == (2 + 3) * 2.0 / 2
    assert load.predicted_wait(1) == 2.0, "those that have ended since do not shorten it"


def test_without_a_queue_there_is_no_wait(load: LoadTracker) -> None:
    load.answered(Stats(queue=0, batch=2), in_flight=0)
    assert load.predicted_wait(100) == 0


def test_old_numbers_are_not_believed(load: LoadTracker, clock: Clock) -> None:
    load.answered(Stats(queue=2, batch=2), 0)
    clock.now += 2.9
    assert load.predicted_wait(0) > 0
    clock.now += 0.2
    assert load.predicted_wait(0) == 0


def test_it_is_reachable_from_the_first_answer_whatever_that_is(load: LoadTracker) -> None:
    assert not load.reachable
    load.answered(None, 0)
    assert load.reachable


def test_a_failed_connection_is_believed_at_once(load: LoadTracker) -> None:
    load.answered(Stats(), 0)
    load.failed()
    assert not load.reachable


def test_a_busy_server_may_be_late_twice_in_a_row(load: LoadTracker) -> None:
    load.answered(None, 0)
    load.timed_out()
    load.timed_out()
    assert load.reachable
    load.answered(None, 0)
    load.timed_out()
    load.timed_out()
    assert load.reachable
    load.timed_out()
    assert not load.reachable
