"""Money in the API: US dollars outside, millionths of them inside."""

from decimal import Decimal

from rest_framework import serializers

from experiments.tariff import MICRO

MOST_DOLLARS = 1_000_000


def dollars(micro: int | None) -> float | None:
    return None if micro is None else micro / MICRO


def in_micros(amount: Decimal | None) -> int | None:
    return None if amount is None else int(amount * MICRO)


class Dollars(serializers.DecimalField):
    """US dollars, to the millionth."""

    def __init__(self, **given) -> None:
        super().__init__(max_digits=13, decimal_places=6, min_value=0, max_value=MOST_DOLLARS, **given)
