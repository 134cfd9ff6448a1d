"""How a lot of durations lie, from how often each one came: the databases need no percentiles of their own."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Spread:
    """Durations in seconds, each with how often it came."""

    counts: dict[int, int] = field(default_factory=dict)

    def add(self, seconds: int, count: int) -> None:
        """Count a duration; a clock that was moved back makes none shorter than nothing."""
        seconds = max(seconds, 0)
        self.counts[seconds] = self.counts.get(seconds, 0) + count

    @property
    def total(self) -> int:
        """How many there are."""
        return sum(self.counts.values())

    def within(self, percent: int) -> int | None:
        """Return the time within which so many of a hundred were done (50: the median), or None of nothing."""
        wanted = -(-self.total * percent // 100)
        seen = 0
        for seconds in sorted(self.counts):
            seen += self.counts[seconds]
            if seen >= wanted:
                return seconds
        return None

    def steps(self, ends: Sequence[int]) -> list[int]:
        """Count what lies up to each end, from the end before it on; one more for what is beyond the last."""
        found = [0] * (len(ends) + 1)
        for seconds, count in self.counts.items():
            found[sum(seconds > end for end in ends)] += count
        return found
