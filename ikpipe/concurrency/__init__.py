"""How many requests are in flight, how fast they start, and how a run stops. Knows nothing of ImageKit.

::

    control.py       drain or stop a run from any thread; run coroutines from synchronous code
    gate.py          at most so many items in flight
    group_commit.py  many small writes that share one commit
    limits.py        the number in flight: fixed, or adapted to the throughput
    rate.py          when requests start, and the budget of retries
"""
