"""The password, entered once more: what makes a click a signature."""

from collections import defaultdict, deque
from time import monotonic

from apps.common.errors import ActionDenied, BadInput

MOST_FAILURES, WITHIN = 5, 300  # failures, seconds; counted in this process, so that no rollback forgets them
_failures: dict[int, deque[float]] = defaultdict(lambda: deque(maxlen=MOST_FAILURES))


def check(user, password: str) -> None:
    """Raises BadInput for a wrong password, and ActionDenied when too many were tried."""
    failures = _failures[user.pk]
    if len(failures) == MOST_FAILURES and monotonic() - failures[0] < WITHIN:
        raise ActionDenied(f"The password was wrong {MOST_FAILURES} times; try again in {WITHIN // 60} minutes.")
    if not user.has_usable_password():
        raise ActionDenied("You have no password here, and a signature asks for one; set one first.")
    if not user.check_password(password):
        failures.append(monotonic())
        raise BadInput({"password": "This is not your password; nothing was signed."})
    failures.clear()
