"""What workers run."""

from evaltrack.notifications import delivery


def deliver() -> None:
    delivery.deliver_due()
