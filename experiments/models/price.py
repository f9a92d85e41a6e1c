"""What a model costs, from a moment on."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class Price(models.Model):
    """In millionths of a US dollar for a million tokens: 3 dollars a million are 3,000,000.

    `model` is what configurations call it, `host` where it is asked (nothing: anywhere). A price never changes; a
    later one takes its place.
    """

    model = models.CharField(max_length=200)
    host = models.CharField(max_length=255, blank=True)
    input_micro = models.PositiveBigIntegerField()
    output_micro = models.PositiveBigIntegerField()
    # Of input that the endpoint had in its cache; nothing: as other input.
    cached_input_micro = models.PositiveBigIntegerField(null=True)
    # The most that the model can answer, for calls that do not limit it; nothing: not known.
    most_output_tokens = models.PositiveIntegerField(null=True)
    valid_from = models.DateTimeField()
    stated_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    stated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="price_once", fields=["model", "host", "valid_from"]),
            models.CheckConstraint(name="price_names_a_model", condition=~Q(model="")),
        ]

    def __str__(self) -> str:
        return f"{self.model} from {self.valid_from:%d %b %Y}"

    @property
    def public_id(self) -> str:
        return f"price-{self.pk}"
