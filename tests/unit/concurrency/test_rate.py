"""Rate limiter, retry budget and adaptive limit against models of services, in virtual time."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from examples import share
from hypothesis import given
from hypothesis import strategies as st
from simulated import (
    CASES,
    COUNTS,
    Case,
    Flaky,
    Moody,
    Noise,
    Run,
    Servers,
    Spaced,
    bounded,
    flaky,
    limited,
    processor,
    servers,
)

from ikpipe.concurrency.limits import FEW, MOST, START, AdaptiveLimit, FixedLimit
from ikpipe.concurrency.rate import RateLimiter, RetryBudget

if TYPE_CHECKING:
    from collections.abc import Iterable

SEEDS = range(share(2))


def places(pace: RateLimiter, times: Iterable[float]) -> list[float]:
    """Return the start times of requests that are reserved at these times."""
    return [now + pace.reserve(now) for now in times]


def cases(*names: str) -> list[object]:
    """Return the cases of a part of the table, by name."""
    return [pytest.param(case, id=case.name) for name in names for case in CASES[name]]


def test_without_a_rate_nothing_waits() -> None:
    """Without a rate, requests start at once."""
    assert places(RateLimiter(None), [0, 0, 0]) == [0, 0, 0]


def test_beginnings_are_spaced_evenly() -> None:
    """At two starts per second, four requests are half a second apart."""
    assert places(RateLimiter(2), [7, 7, 7, 7]) == [7, 7.5, 8, 8.5]


def test_who_comes_after_another_waits_as_that_one_would_have() -> None:
    """A predecessor's last start at 7 counts."""
    assert places(RateLimiter(2, since=7), [7, 7]) == [7.5, 8]


def test_time_that_nobody_used_is_not_made_up_for() -> None:
    """After a pause, starts are spaced as before."""
    assert places(RateLimiter(2), [0, 10, 10]) == [0, 10, 10.5]


@given(st.lists(st.floats(0, 10), min_size=2), st.floats(0.5, 50))
def test_no_two_begin_closer_than_the_rate_allows(waits: list[float], rate: float) -> None:
    """Starts are never closer than the rate allows, whatever the times of the reservations."""
    times = [sum(waits[:index]) for index in range(len(waits))]
    assert all(after - before >= 1 / rate - 1e-6 for before, after in pairwise(places(RateLimiter(rate), times)))


# A limit that the service names


def test_a_named_limit_is_kept_in_every_interval() -> None:
    """If 20 per second are named, no more start in any second."""
    pace = RateLimiter(None)
    pace.cap(0, 20, 1.0)
    begun = places(pace, [0.0] * 100)
    assert all(late - early >= 1 for early, late in zip(begun, begun[20:], strict=False))
    assert begun[-1] < 6


def test_a_limit_that_is_named_later_replaces_the_one_before() -> None:
    """A newly named limit counts, also a higher one; the learned rate does not."""
    pace = RateLimiter(None)
    for refused in (0.5, 0.6):
        pace.reserve(refused)
        pace.rejected(refused, 0.3, began=refused)
    pace.cap(1, 2, 1.0)
    pace.cap(2, 100, 1.0)
    assert pace.rate == pytest.approx(100 / 1.03)


def test_a_named_limit_is_forgotten_after_a_minute() -> None:
    """A limit that is not named again is forgotten."""
    pace = RateLimiter(None)
    pace.cap(0, 20, 1.0)
    pace.reserve(61)
    assert pace.rate == math.inf


def test_a_limit_per_hour_does_not_space_requests() -> None:
    """With a long interval, all requests start at once when the next window starts."""
    pace = RateLimiter(None)
    pace.rejected(0, 600, began=0)
    pace.cap(0, 1000, 3600)
    assert places(pace, [600.0] * 300) == [600.0] * 300


def test_no_named_limit_holds_a_request_for_longer_than_a_quarter_of_an_hour() -> None:
    """A limit of one request per day delays a request by the maximum interval only."""
    pace = RateLimiter(None)
    pace.cap(0, 1, 86_400)
    assert places(pace, [0, 0]) == [0, 900]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    ("told", "in_flight", "most"),
    [(None, 32, 8), ((100, 1.0), 32, 8), ((20, 1.0), 32, 20), (None, 1, 25), (None, 8, 16), ((20, 1.0), 8, 22)],
)
def test_random_refusals_slow_a_run_by_what_they_name(
    told: tuple[int, float] | None, in_flight: int, most: float, seed: int
) -> None:
    """300 rows, one request in ten is refused at random with 300 ms named, and maybe a limit: seconds at most.

    Without any refusal they take 0.2 s with 32 in flight, and 6 s with one; each refusal holds all for 0.3 s.
    """
    service = Moody(Servers(32, 0.02, Noise(seed, 0.25)), 0.1, 0.3, seed)
    assert Run(service, FixedLimit(in_flight), 300, told=told).now <= most


def test_a_named_limit_of_a_service_that_spaces_requests_is_no_flood() -> None:
    """If the service spaces 20 per second evenly, few requests are rejected once the limit is named."""
    run = Run(Spaced(20), FixedLimit(32), 300, told=(20, 1.0))
    assert run.rate() >= 15
    assert run.refused <= 60


# What is learned


def test_a_refusal_holds_all_that_would_begin() -> None:
    """Nothing starts before the time that a rejection names."""
    pace = RateLimiter(None)
    pace.reserve(0)
    pace.rejected(0.1, 0.9)
    assert pace.reserve(0.5) == 0.5


def test_a_place_that_falls_into_a_refusal_is_lost() -> None:
    """A reservation from before a rejection is renewed, a later one is not."""
    pace = RateLimiter(2)
    pace.reserve(0)
    pace.rejected(0.2, 0.8)
    assert pace.renew(0.5, asked=0.0) == pytest.approx(0.5)
    assert pace.renew(1.0, asked=0.5) == 0


def test_a_refusal_teaches_the_rate() -> None:
    """If 2 of 10 requests in the first second are rejected, the limit is 8 per second."""
    pace = RateLimiter(None)
    places(pace, [0.01 * index for index in range(10)])
    pace.rejected(0.2, 0.8)
    pace.rejected(0.2, 0.8)
    assert pace.rate == pytest.approx(0.97 * 8)


def test_a_minute_is_learnt_too() -> None:
    """A rejection that names 40 s belongs to a window of a minute."""
    pace = RateLimiter(None)
    places(pace, [0.0] * 31)
    pace.rejected(20.0, 40.0)
    assert pace.rate == pytest.approx(0.97 * 30 / 60)


def test_an_hour_is_waited_for_and_not_learnt() -> None:
    """Nothing is learned from a window that is longer than a minute."""
    pace = RateLimiter(None)
    pace.reserve(0)
    pace.rejected(1.0, 1800.0)
    assert (pace.rate, pace.reserve(1.0)) == (float("inf"), 1800.0)


def test_a_learnt_rate_is_tried_again() -> None:
    """After a single rejection, the rate is raised until nothing limits it."""
    pace = RateLimiter(None)
    places(pace, [0.0] * 11)
    pace.rejected(0.1, 0.9)
    begun = 1.0
    while begun < 60 and pace.rate < 1000:
        begun += pace.reserve(begun)
    assert begun < 20


def test_each_further_refusal_doubles_the_time_until_the_rate_is_tried() -> None:
    """Raising the rate waits longer after each rejection, so that rejections become rare."""
    run = limited(30, 1, 0).run(0)
    seconds = run.now
    assert run.refused <= 12
    assert run.rate(seconds / 2) >= 0.95 * 30


def test_the_first_retries_go_at_once() -> None:
    """Retries do not wait while the budget has some."""
    budget = RetryBudget(3)
    assert [budget.take(0) for _ in range(3)] == [0, 0, 0]


def test_an_empty_budget_gives_a_retry_a_second() -> None:
    """Without budget, retries are spread over time and none is dropped."""
    budget = RetryBudget(1)
    assert [budget.take(0) for _ in range(4)] == [0, 1, 2, 3]


def test_time_fills_a_budget() -> None:
    """The budget gains one retry per second, up to its size."""
    budget = RetryBudget(2)
    waits = [budget.take(now) for now in (0, 0, 1, 1, 100, 100, 100)]
    assert waits == [0, 0, 0, 1, 0, 0, 1]


def test_a_success_pays_for_a_retry() -> None:
    """If each row needs a second attempt, no retry waits."""
    budget = RetryBudget(100)
    for _ in range(1000):
        assert budget.take(0) == 0
        budget.give()


@given(st.integers(1, 400), st.floats(0, 0.2))
def test_an_outage_is_asked_once_a_second(count: int, gap: float) -> None:
    """After the first hundred, retries are limited whatever the share of failures."""
    budget = RetryBudget(100)
    starts = sorted(index * gap + budget.take(index * gap) for index in range(count))
    assert all(late - early >= 1 - 1e-6 for early, late in pairwise(starts[100 + int(count * gap) :]))


def test_a_fixed_limit_stays() -> None:
    """Whatever comes."""
    limit = FixedLimit(3)
    limit.record(0, 1, 3, overload=True)
    assert limit.size == 3


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("spread", [0, 0.25])
@pytest.mark.parametrize("count", COUNTS)
def test_it_comes_near_the_best_fixed_number(count: int, spread: float, seed: int) -> None:
    """From nothing, within a run of moderate length."""
    case = servers(count, 0.2, spread)
    assert case.share(case.run(seed), seed) >= 0.9


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("seed", SEEDS)
def test_it_does_not_run_away(count: int, seed: int) -> None:
    """Once it has converged, half of the time it is at most 2n + 4; what it tries beside that is little."""
    run = servers(count, 0.2, 0.25, 40 * count + 2000).run(seed)
    assert run.size(0.5) <= min(MOST, 2 * count + 4)
    assert run.size(0.95) <= max(run.size(0.5) + 2, 2.3 * run.size(0.5))


def test_only_the_shape_of_latency_matters() -> None:
    """A service a hundred times as slow is found in a hundred times the time."""
    fast, slow = servers(12, 0.01, 0.25).run(0), servers(12, 1, 0.25).run(0)
    assert slow.now == pytest.approx(100 * fast.now)


@pytest.mark.parametrize("half", [3, 10, 30, 100, 300])
def test_latency_that_grows_with_throughput_does_not_stop_it(half: int) -> None:
    """A processor's throughput rises long after its latency has begun to."""
    case = processor(half, 0.25)
    assert case.share(case.run(0), 0) >= 0.9


@pytest.mark.parametrize("case", cases("mixed sizes"))
def test_sizes_may_differ(case: Case) -> None:
    """Files of which half are five times the others."""
    assert case.share(case.run(0), 0) >= 0.85


@pytest.mark.parametrize("latency", [0.2, 1])
@pytest.mark.parametrize("in_flight", [2, 5, 12, 30])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_rate_limit_is_found_at_the_price_of_few_refusals(in_flight: int, latency: float, seed: int) -> None:
    """Fewer than 2 % of all requests, and the run goes as fast as the limit allows, even if no refusal names it."""
    case = limited(in_flight, latency, 0.25)
    run = case.run(seed)
    assert run.refused < 0.02 * run.requests
    assert case.share(run, seed) >= 0.9


@pytest.mark.parametrize("latency", [0.005, 0.05])
@pytest.mark.parametrize("in_flight", [2, 12])
def test_a_rate_limit_refuses_no_more_than_one_flight(in_flight: int, latency: float) -> None:
    """Where requests are quick, all that are in flight may be refused at first, and hardly one after them."""
    run = limited(in_flight, latency, 0.25).run(0)
    assert run.refused <= MOST / 2 + 12


@pytest.mark.parametrize("count", [8, 20, 40])
@pytest.mark.parametrize("told", [None, (20, 1.0)])
def test_a_rate_limit_and_few_servers(count: int, told: tuple[int, float] | None) -> None:
    """Whichever is less is used to the full."""
    case = limited(20, 1, 0.25, 3000, count)
    run = Run(case.make(0), AdaptiveLimit(), 3000, told=told)
    assert run.refused < 0.02 * run.requests
    assert case.share(run, 0) >= 0.9


@pytest.mark.parametrize("seed", SEEDS)
def test_it_follows_a_service_that_shrinks_and_grows(seed: int) -> None:
    """40 servers become 8, which costs no throughput, and 40 again, which is found in 120 latencies."""
    run = Run(Servers(40, 1, Noise(seed, 0.25), [(100, 8), (400, 40)]), AdaptiveLimit(), until=700)
    assert run.rate(110, 400) >= 0.9 * 8
    assert run.rate(520) >= 0.9 * 40
    assert min(size for when, size in run.sizes if 100 <= when < 180) <= 20


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5])
@pytest.mark.parametrize("count", [4, 40])
def test_failures_by_chance_do_not_slow_it(count: int, share: float) -> None:
    """A share of all requests fails, whatever the load: fewer in flight would not help."""
    case = flaky(count, share)
    assert case.share(case.run(0), 0) >= 0.7


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("share", [0.5, 1])
def test_it_recovers_from_a_bad_spell(share: float, seed: int) -> None:
    """Half of all requests fail for 100 latencies, or all: 60 latencies after them all is as before."""
    service = Flaky(Servers(40, 1, Noise(seed, 0.25)), share, seed, (100, 200))
    run = Run(service, AdaptiveLimit(), until=400, again=5)
    assert run.rate(260) >= 0.9 * 40


def test_an_outage_has_it_down_to_one() -> None:
    """Nothing but failures: no more in flight than it takes to see the end of it."""
    run = Run(Flaky(Servers(40, 1, Noise(0, 0.25)), 1, 0, (100, 200)), AdaptiveLimit(), until=200, again=5)
    assert run.limit.size <= 2


@pytest.mark.parametrize("factor", [1.2, 2, 4])
@pytest.mark.parametrize("count", [4, 12, 40])
def test_a_short_queue_is_not_flooded(count: int, factor: float) -> None:
    """A service that fails at once what it cannot queue gets few such requests, once they are known to fail."""
    run = bounded(count, factor).run(0)
    late = run.sizes[-len(run.sizes) // 3 :]
    assert run.refused < 0.2 * run.requests
    assert late[-1][1] <= factor * count + 4


def test_a_limit_that_is_not_used_does_not_grow() -> None:
    """A `rate=` keeps fewer in flight than might be: nothing can be learnt of more."""
    run = Run(Servers(40, 1, Noise(0, 0.25)), AdaptiveLimit(), 1000, pace=RateLimiter(10))
    assert run.limit.size < 2 * START


@given(st.lists(st.tuples(st.floats(0, 5), st.integers(1, 300), st.booleans()), max_size=400))
def test_it_stays_between_1_and_the_most(answers: list[tuple[float, int, bool]]) -> None:
    """Whatever is told of whatever requests."""
    limit, now = AdaptiveLimit(), 0.0
    for seconds, in_flight, overload in answers:
        now += seconds / in_flight
        limit.record(now - seconds, now, in_flight, overload)
        assert 1 <= limit.size <= MOST


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.soak) for seed in (1, 2, 3))])
@pytest.mark.parametrize("case", cases("servers", "processor", "failures by chance"))
def test_every_case_comes_near_the_best(case: Case, seed: int) -> None:
    """All of the table, with more seeds."""
    assert case.share(case.run(seed), seed) >= (0.7 if "fail" in case.name else 0.88)


# Refusals that have reasons of their own


def full(pace: RateLimiter) -> RateLimiter:
    """Have 40 requests begin in two seconds, of which one of the last is refused."""
    for place in range(40):
        pace.reserve(place / 20)
    pace.rejected(2.0, 0.2, began=1.7)
    return pace


def test_a_refusal_before_many_that_were_let_in_teaches_nothing() -> None:
    """Where most requests that began after the refused one are let in, the window was not full."""
    pace = full(RateLimiter(None))
    assert pace.rate < math.inf
    for hundredth in range(7):
        pace.accepted(1.8 + hundredth / 100)
    assert pace.rate == math.inf


def test_what_was_learned_from_a_full_window_stays() -> None:
    """Requests that began before the refused one, or in the next window, say nothing against it."""
    pace = full(RateLimiter(None))
    learned = pace.rate
    for _ in range(9):
        pace.accepted(1.6)
        pace.accepted(2.3)
    assert pace.rate == learned < math.inf


def test_one_refusal_after_a_few_requests_teaches_nothing() -> None:
    """Not yet: the same number again would be a limit."""
    pace = RateLimiter(None)
    for now, number in ((0, 3), (10, 6), (20, 6)):
        assert pace.rate == math.inf
        for _ in range(number):
            pace.reserve(now)
        pace.rejected(now + 0.01, 0.99, began=now)
    assert pace.rate == pytest.approx(0.97 * 5)


def test_refusals_by_chance_do_not_slow_a_run_down() -> None:
    """One request in thirty is refused, whatever the rate: after some seconds nothing is believed any more."""
    pace, now, begun = RateLimiter(None), 0.0, 0
    while now < 120:
        now += max(pace.reserve(now), 0.02)
        begun += 1
        if begun % 30 == 0:
            pace.rejected(now + 0.01, 0.005, began=now)
    assert pace.rate == math.inf
    assert begun > 120 / 0.02 * 0.8


def test_another_limit_says_nothing_about_the_service() -> None:
    """While the user's bandwidth is used up, few are in flight, however long replies take; then the limit grows."""
    saturated = [True]
    limit = AdaptiveLimit(saturated=lambda: saturated[0])
    for end in range(1, 1_000):
        limit.record(end - limit.size, end, limit.size, overload=False)
    assert limit.size == FEW
    saturated[0] = False
    for end in range(1_000, 1_020):
        limit.record(end - 0.1, end, limit.size, overload=False)
    assert limit.size > FEW
