"""The prices API: what models cost, as the platform team states it."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from evaltrack.accounts.idempotency import idempotent
from evaltrack.accounts.roles import Permission as P
from evaltrack.api import ApiView, paged
from experiments import pricing
from experiments.api.money import Dollars, dollars, in_micros
from experiments.models import Price
from experiments.tariff import MICRO, Tariff


class PriceIn(serializers.Serializer):
    model = serializers.CharField(max_length=200)
    host = serializers.CharField(max_length=255, required=False, allow_blank=True, default="")
    input_usd_per_million = Dollars()
    output_usd_per_million = Dollars()
    cached_input_usd_per_million = Dollars(required=False, allow_null=True, default=None)
    most_output_tokens = serializers.IntegerField(
        min_value=1, max_value=2**31 - 1, required=False, allow_null=True, default=None
    )
    valid_from = serializers.DateTimeField(required=False)


class PriceOut(serializers.Serializer):
    model = serializers.CharField()
    host = serializers.CharField()
    input_usd_per_million = serializers.SerializerMethodField()
    output_usd_per_million = serializers.SerializerMethodField()
    cached_input_usd_per_million = serializers.SerializerMethodField()
    most_output_tokens = serializers.IntegerField(allow_null=True)
    valid_from = serializers.DateTimeField()
    stated_by = serializers.CharField(source="stated_by.username")
    stated_at = serializers.DateTimeField()

    def get_input_usd_per_million(self, row) -> float:
        return row.input_micro / MICRO

    def get_output_usd_per_million(self, row) -> float:
        return row.output_micro / MICRO

    def get_cached_input_usd_per_million(self, row) -> float | None:
        return dollars(row.cached_input_micro)


class Prices(ApiView):
    permissions = {"GET": (P.VIEW_EXPERIMENTS,), "POST": (P.STATE_PRICES,)}

    @extend_schema(responses=PriceOut(many=True))
    def get(self, request):
        """Every price that was ever stated, the newest first."""
        return paged(self, Price.objects.select_related("stated_by"), lambda row: PriceOut(row).data)

    @extend_schema(request=PriceIn, responses={201: PriceOut})
    @idempotent
    def post(self, request):
        """State what a model costs, from `valid_from` or now on. A price never changes; a later one replaces it."""
        given = self.shaped(PriceIn)
        row = pricing.state(
            model=given["model"],
            host=given["host"],
            tariff=Tariff(
                input_micro=in_micros(given["input_usd_per_million"]) or 0,
                output_micro=in_micros(given["output_usd_per_million"]) or 0,
                cached_input_micro=in_micros(given["cached_input_usd_per_million"]),
                most_output_tokens=given["most_output_tokens"],
            ),
            valid_from=given.get("valid_from", self.at),
            by=request.user,
            at=self.at,
        )
        return Response(PriceOut(row).data, status=201)
