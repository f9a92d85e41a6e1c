"""`manage.py partition_series`: make the months of the time series, where the worker's role may not."""

from typing import Any

from django.core.management.base import BaseCommand

from evaltrack import clock
from experiments.series import partitions


class Command(BaseCommand):
    help = "Make the partitions of this month and the next ones; PostgreSQL alone has any."

    def handle(self, *args: Any, **options: Any) -> None:
        made = partitions.keep(at=clock.now())
        months = ", ".join(f"{month:%Y-%m}" for month in made)
        self.stdout.write(f"Made {months}." if made else "Every month is there.")
