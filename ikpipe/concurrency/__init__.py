"""How many requests are in flight, how fast they start, and how a run stops. Independent of ImageKit.

::

    interrupts.py           Ctrl-C drains a run, or stops it at once; run coroutines from synchronous code
    kept_loops.py           event loops that stay open between calls that follow each other
    bandwidth.py            limit how many bytes a second are sent and received
    bandwidth_schedule.py   the limits by the time of day, as rclone writes them
    gate.py                 wait for a place among the items in flight
    group_commit.py         combine many small writes into one commit
    limits.py               the concurrency limit: fixed, or adapted to the throughput
    shares.py               the limits of a job, divided among the parts of it that run at the same time
    ticker.py               call a function from time to time
    rate.py                 the rate limiter, with limits that a 429 names or that are learned; the retry budget
    temporary.py            temporary folders, and the removal of those that killed processes left
    turns.py                wait until the rate lets a request start
"""
