"""`manage.py worker`: a worker cluster that goes on at once with whatever is there."""

from django.core.management.base import BaseCommand
from django_q.cluster import Cluster

from evaltrack import schedules


class Command(BaseCommand):
    help = "Run a worker cluster: experiments, campaigns, escalations, notifications."

    def handle(self, *args, **options):
        schedules.sync()
        schedules.wake()
        Cluster().start()
