"""Who may say where messages go. Each question answers None or a Refusal."""

from collections.abc import Collection

from evaltrack.accounts.models import User
from evaltrack.accounts.roles import Permission
from evaltrack.errors import Refusal
from evaltrack.notifications.topics import SEEN_WITH, Topic


def managing(by: User) -> Refusal | None:
    if not by.can(Permission.MANAGE_CHANNELS):
        return Refusal(
            "not_permitted",
            "Only an evaluation lead, a platform engineer or an administrator manages channels.",
        )
    return None


def letting_out(by: User, topics: Collection[str]) -> Refusal | None:
    """Whether `by` may send messages of these topics out: of what one may not see, one lets nothing out."""
    unseen = [Topic(topic) for topic in topics if not by.can(SEEN_WITH[Topic(topic)])]
    if unseen:
        words = ", ".join(topic.label.partition(":")[0].lower() for topic in unseen)
        return Refusal(
            "topic_not_yours", f"Your role does not see what this is about: {words}. Ask an administrator."
        )
    return None
