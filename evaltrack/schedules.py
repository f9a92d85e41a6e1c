"""Everything that happens by itself, and how often: the one table of periodic jobs."""

from dataclasses import dataclass

from django_q.models import Schedule
from django_q.tasks import async_task


@dataclass(frozen=True)
class Periodic:
    name: str
    function: str
    minutes: int


PERIODIC = [
    # Closes every hole that a lost wake-up could leave.
    Periodic("drain experiments", "experiments.jobs.drain", 1),
    Periodic("look at batches", "experiments.jobs.look_at_batches", 1),
    Periodic("let proxies expire", "experiments.jobs.let_proxies_expire", 1),
    Periodic("watch production", "experiments.jobs.watch_production", 1),
    Periodic("forget texts of production", "experiments.jobs.forget_texts", 60),
    Periodic("make months of the series", "experiments.jobs.make_months", 24 * 60),
    Periodic("open campaigns", "annotation.jobs.open_campaigns", 1),
    Periodic("return expired assignments", "annotation.jobs.expire_leases", 1),
    Periodic("make judgments final", "annotation.jobs.settle_judgments", 1),
    Periodic("count judgments", "annotation.jobs.roll_up_agreement", 1),
    Periodic("suspend gold that good evaluators fail", "annotation.jobs.suspend_gold", 10),
    Periodic("count campaigns", "annotation.jobs.count_standing", 1),
    Periodic("extend overlaps", "annotation.jobs.extend_overlap", 1),
    Periodic("find conflicts of large campaigns", "annotation.jobs.keep_conflicts", 1),
    Periodic("ask again by a revised rubric", "annotation.jobs.ask_again", 1),
    Periodic("escalate overdue tasks", "annotation.jobs.escalate_overdue", 1),
    Periodic("deliver notifications", "evaltrack.notifications.jobs.deliver", 1),
    Periodic("send to channels", "evaltrack.notifications.jobs.send_to_channels", 1),
    Periodic("sign the ledger", "evaltrack.ledger.jobs.sign", 60),
    Periodic("verify the ledger", "evaltrack.ledger.jobs.verify", 24 * 60),
]


def sync() -> None:
    """Make the scheduler's rows equal to this table."""
    for job in PERIODIC:
        Schedule.objects.update_or_create(
            name=job.name,
            defaults={
                "func": job.function,
                "schedule_type": Schedule.MINUTES,
                "minutes": job.minutes,
                "repeats": -1,
                "cluster": None,
            },
        )
    Schedule.objects.exclude(name__in=[job.name for job in PERIODIC]).delete()


def wake() -> None:
    """Run every periodic job once, now: a cluster that starts goes on at once with what it finds."""
    for job in PERIODIC:
        async_task(job.function)
