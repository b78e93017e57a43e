"""The rules of a tenant's ledger, whatever happens in whatever order."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from adwright_gateway.ledger import Ledger, Limits, Use
from adwright_servicekit.errors import ResourceExhausted

NOON = datetime(2026, 11, 24, 12, 0, 30, tzinfo=UTC)
LATER = NOON + timedelta(minutes=5)
TENANT, KEY = "tenants/demo", "keys/1"


def admit(ledger: Ledger, name: str, now: datetime = NOON, **limits: int) -> None:
    ledger.admit(now, name, {TENANT: Limits(**limits)}, 1, LATER)


@pytest.mark.parametrize(
    ("limits", "wait"),
    [
        ({"requests_per_minute": 2}, 30),
        ({"concurrent_streams": 2}, 1),
        ({"tokens_per_day": 2500}, 12 * 3600 - 30),
    ],
)
def test_what_is_over_a_limit_is_refused_with_the_time_to_wait(limits: dict[str, int], wait: float) -> None:
    ledger = Ledger()
    admit(ledger, "a", **limits)
    admit(ledger, "b", **limits)
    before = ledger.copy()
    with pytest.raises(ResourceExhausted) as caught:
        admit(ledger, "c", **limits)
    assert ledger == before
    assert (caught.value.reason, caught.value.retry_after) == ("QUOTA_EXCEEDED", wait)
    assert caught.value.quotas[0].subject == TENANT


def test_money_is_a_limit_of_the_month() -> None:
    ledger = Ledger(usd_micros_a_variant=600.0)
    admit(ledger, "a", usd_micros_per_month=1000)
    with pytest.raises(ResourceExhausted) as caught:
        admit(ledger, "b", usd_micros_per_month=1000)
    assert caught.value.retry_after == timedelta(days=6, hours=11, minutes=59, seconds=30).total_seconds()
    ledger.settle(NOON, "a", 10, 100)
    admit(ledger, "b", usd_micros_per_month=1000)


def test_windows_close_with_the_clock() -> None:
    ledger = Ledger()
    admit(ledger, "a", requests_per_minute=1, tokens_per_day=1500)
    ledger.settle(NOON, "a", 900, 7)
    admit(ledger, "b", NOON + timedelta(seconds=30), requests_per_minute=1)
    ledger.roll(NOON + timedelta(days=1))
    assert ledger.used[TENANT] == Use(0, 0, 7)
    ledger.roll(NOON + timedelta(days=10))
    assert ledger.used == {}
    assert "b" in ledger.reserved


def test_a_key_has_limits_within_those_of_its_tenant() -> None:
    ledger = Ledger()
    both = {TENANT: Limits(concurrent_streams=2), KEY: Limits(concurrent_streams=1)}
    ledger.admit(NOON, "a", both, 1, LATER)
    with pytest.raises(ResourceExhausted, match=KEY):
        ledger.admit(NOON, "b", both, 1, LATER)
    ledger.admit(NOON, "b", both | {KEY: Limits()}, 1, LATER)
    with pytest.raises(ResourceExhausted, match=TENANT):
        ledger.admit(NOON, "c", {TENANT: both[TENANT], "keys/2": Limits()}, 1, LATER)


def test_it_survives_the_store() -> None:
    ledger = Ledger()
    admit(ledger, "a")
    ledger.settle(NOON, "a", 123, 45)
    admit(ledger, "b")
    assert Ledger.unpack(ledger.pack()) == ledger
    assert ledger.expired(NOON) == []
    assert ledger.expired(LATER + timedelta(seconds=1)) == ["b"]


class Books(RuleBasedStateMachine):
    """Against a plain sum of what was used."""

    @initialize(streams=st.integers(0, 4), tokens=st.sampled_from([0, 3000, 20_000]), requests=st.sampled_from([0, 3]))
    def begin(self, streams: int, tokens: int, requests: int) -> None:
        self.limits = Limits(requests, streams, tokens)
        self.ledger, self.now, self.count = Ledger(), NOON, 0
        self.running: set[str] = set()
        self.day, self.today = NOON.date(), 0

    @rule(variants=st.integers(1, 8))
    def admit(self, variants: int) -> None:
        self.count += 1
        try:
            self.ledger.admit(self.now, f"g{self.count}", {TENANT: self.limits}, variants, self.now)
        except ResourceExhausted:
            return
        self.running.add(f"g{self.count}")
        _, aside = self.ledger.set_aside(TENANT)
        used = self.ledger.used[TENANT]
        assert not self.limits.concurrent_streams or len(self.running) <= self.limits.concurrent_streams
        assert not self.limits.tokens_per_day or used.tokens + aside.tokens <= self.limits.tokens_per_day
        assert not self.limits.requests_per_minute or used.requests <= self.limits.requests_per_minute

    @rule(which=st.integers(0, 50), tokens=st.integers(0, 5000), twice=st.booleans())
    def settle(self, which: int, tokens: int, twice: bool) -> None:
        name = f"g{which}"
        done = self.ledger.settle(self.now, name, tokens, 0)
        assert done == (name in self.running)
        if done:
            self.running.discard(name)
            self.today += tokens
            assert not (twice and self.ledger.settle(self.now, name, tokens, 0))

    @rule(seconds=st.sampled_from([1, 45, 3600, 40_000]))
    def wait(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)
        if self.now.date() != self.day:
            self.day, self.today = self.now.date(), 0
        self.ledger.roll(self.now)

    @invariant()
    def the_sum_is_exact(self) -> None:
        if hasattr(self, "ledger"):
            assert self.ledger.used.get(TENANT, Use()).tokens == self.today
            assert set(self.ledger.reserved) == self.running


TestBooks = Books.TestCase
