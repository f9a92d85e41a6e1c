"""What workers run. Each takes ids or nothing, and may run twice, late, or at the same time as itself."""

from evaltrack import clock
from experiments import evidence
from experiments.batches import looking
from experiments.production import retention, silence, watching
from experiments.running import scheduler
from experiments.series import partitions


def drain() -> None:
    scheduler.drain()


def look_at_batches() -> None:
    looking.look_at_all()


def watch_production() -> None:
    at = clock.now()
    watching.look_at_news(at=at)
    silence.tell(at=at)


def let_proxies_expire() -> None:
    evidence.let_proxies_expire(at=clock.now())


def forget_texts() -> None:
    retention.forget_texts(at=clock.now())


def make_months() -> None:
    partitions.keep(at=clock.now())
