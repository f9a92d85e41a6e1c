"""What messages are about, as channels choose them, and who may send which topic out of the house."""

from django.db import models

from evaltrack.accounts.roles import Permission


class Topic(models.TextChoices):
    """Only what is meant for leads and owners has a topic: what goes to evaluators reaches no channel."""

    ESCALATIONS = "escalations", "Escalations: work that is or will be late"
    CAMPAIGNS = "campaigns", "Campaigns: opened, held for the lead's check, appeals"
    VERDICTS = "verdicts", "Verdicts, and experiments that wait or end without one"
    PROMOTIONS = "promotions", "Promotions: requested, decided, withdrawn"
    PRODUCTION = "production", "Production: alerts, and silence"


# Whoever lets a topic out must be allowed to see what it tells of.
SEEN_WITH = {
    Topic.ESCALATIONS: Permission.VIEW_CAMPAIGNS,
    Topic.CAMPAIGNS: Permission.VIEW_CAMPAIGNS,
    Topic.VERDICTS: Permission.VIEW_EXPERIMENTS,
    Topic.PROMOTIONS: Permission.VIEW_PROMOTIONS,
    Topic.PRODUCTION: Permission.VIEW_EXPERIMENTS,
}
