"""Pure: how an output came, beside the line in which it would be brought."""

from typing import Any

from experiments.tariff import MICRO
from experiments.uploading import lines


def line_of(output: Any) -> dict[str, Any]:
    return lines.line_of(output) | {"collected": facts(output)}


def facts(output: Any) -> dict[str, Any]:
    return {
        "repeat": output.repeat,
        "outcome": output.outcome,
        "attempts": output.attempts,
        "waited_ms": output.waited_ms,
        "finish_reason": output.finish_reason,
        "cost_usd": None if output.cost_micro is None else output.cost_micro / MICRO,
        "model": output.endpoint_model,
        "reused_from": None if output.reused_from is None else output.reused_from.experiment.public_id,
        "request_digest": output.request_digest,
        "raw_reply_digest": output.raw_reply_id,
        "finished_at": output.finished_at.isoformat(),
    }
