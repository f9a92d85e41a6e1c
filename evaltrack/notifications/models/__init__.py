"""The rows of the outbox: what people are told, and what goes to channels."""

from evaltrack.notifications.models.channel import Channel, ChannelKind, Delivery
from evaltrack.notifications.models.notification import Notification
from evaltrack.notifications.models.preference import Digest, MailMode, MailPreference

__all__ = ["Channel", "ChannelKind", "Delivery", "Digest", "MailMode", "MailPreference", "Notification"]
