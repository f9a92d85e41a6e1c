"""Confidentiality agreements that somebody publishes."""

from evaltrack import clock
from evaltrack.accounts import agreements
from evaltrack.accounts.models import Agreement, User

ADDED = "7. **Nothing is kept.** You take no notes that outlive the campaign."


def publish_another(by: User, added: str = ADDED) -> Agreement:
    """The text in force with a further point."""
    current = agreements.in_force()
    assert current is not None
    return agreements.publish(f"{current.text}\n{added}", replaces=current.digest, by=by, at=clock.now())
