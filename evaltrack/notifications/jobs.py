"""What workers run."""

from evaltrack.notifications import delivery, sending


def deliver() -> None:
    delivery.deliver_due()


def send_to_channels() -> None:
    sending.deliver_due()
