"""Failures and successes of one thing in, two lines of the log out: trouble begins, and it is over."""

import logging
from collections.abc import Callable


class Trouble:
    """Whether one thing fails; where several threads try it, whoever calls holds their lock.

    `says` makes the sentence of a reason, `over` is the sentence for the end.
    """

    def __init__(
        self, logger: logging.Logger, says: Callable[[str], str], *, over: str, level: int = logging.ERROR
    ) -> None:
        self._logger = logger
        self._says = says
        self._over = over
        self._level = level
        self._reason = ""

    @property
    def reason(self) -> str:
        """Why it failed the last time; empty where it did not."""
        return self._reason

    @property
    def sentence(self) -> str:
        """What the log says of it; empty where all is well."""
        return self._says(self._reason) if self._reason else ""

    def failed(self, reason: object) -> None:
        """Take note of a failure; the log is told of the first."""
        began, self._reason = not self._reason, str(reason) or "unknown"
        if began:
            self._logger.log(self._level, "%s", self.sentence)

    def succeeded(self) -> None:
        """Take note that it went well; the log is told where it did not before."""
        if self._reason:
            self._logger.info("%s", self._over)
        self._reason = ""
