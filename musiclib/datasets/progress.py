"""How far a long download or unpacking has come: one line on standard error, only where it takes a while."""

import sys
import time

_QUIET = 1.0  # s before anything is said
_PAUSE = 0.2  # s between two lines


class Progress:
    """A line such as ``IRMAS-TrainingData.zip: 1.2 of 3.2 GB``, with the methods that pooch calls.

    Parameters
    ----------
    what : is going on
    total : bytes; 0 where it is not known
    """

    def __init__(self, what: str, total: int = 0) -> None:
        self.what, self.total = what, total
        self._done, self._began, self._last = 0, time.monotonic(), 0.0

    def update(self, count: int) -> None:
        """So many bytes more."""
        self._done += count
        now = time.monotonic()
        if now - self._began > _QUIET and now - self._last > _PAUSE:
            self._say(now)

    def reset(self) -> None:
        """From 0 again, as pooch does before it says how many bytes there were in all."""
        self._done = 0

    def close(self) -> None:
        """End the line, if there is one."""
        if self._last:
            self._say(time.monotonic())
            print(file=sys.stderr)

    def _say(self, now: float) -> None:
        self._last = now
        unit, name = (1e9, "GB") if max(self.total, self._done) >= 1e9 else (1e6, "MB")
        of = f" of {self.total / unit:.1f}" if self.total else ""
        print(f"\r{self.what}: {self._done / unit:.1f}{of} {name}", end="", file=sys.stderr, flush=True)
