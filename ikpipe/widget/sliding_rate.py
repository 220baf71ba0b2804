"""The rate of the last seconds: an average since the start would rise or fall for minutes after a change."""

from collections import deque

WINDOW = 10.0  # seconds
_MIN_SECONDS = 0.5  # before a rate is meaningful


class SlidingRate:
    """The bytes per second of the last seconds; 0 if none were sent in them."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque()

    def of(self, now: float, amount: int) -> float:
        """Add the number of bytes that were sent until now, and return the rate."""
        samples = self._samples
        if samples and now - samples[-1][0] > WINDOW:  # another run
            samples.clear()
        most = samples[-1][1] if samples else 0
        samples.append((now, max(amount, most)))  # the bytes of a file are missing for a moment when it ends
        while now - samples[0][0] > WINDOW:
            samples.popleft()
        if amount < samples[0][1]:  # an attempt is repeated, and has not got as far as the last one
            samples.clear()
            samples.append((now, amount))
        amount = samples[-1][1]
        seconds = now - samples[0][0]
        return (amount - samples[0][1]) / seconds if seconds > _MIN_SECONDS else 0.0
