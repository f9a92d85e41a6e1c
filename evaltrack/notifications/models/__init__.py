"""The rows of the outbox: what people are told, and what goes to channels."""

from evaltrack.notifications.models.channel import Channel, ChannelKind, Delivery
from evaltrack.notifications.models.notification import Notification

__all__ = ["Channel", "ChannelKind", "Delivery", "Notification"]
