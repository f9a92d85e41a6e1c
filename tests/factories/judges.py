"""Judges, and policies that name them."""

from typing import Any

from evaltrack import clock
from evaltrack.accounts.models import User
from experiments import registration
from experiments.models import ComponentVersion

RUBRIC = "A good answer is right and says no more than it has to."


def judge(
    owner: User,
    by: User,
    *,
    base_url: str = "http://127.0.0.1:9/v1",
    name: str = "helpfulness-judge",
    version: str = "v3",
    **also: Any,
) -> ComponentVersion:
    row = registration.register_component(
        name=name, kind="judge", risk="low", owner=owner, policy=None, by=by, at=clock.now()
    )
    body = {
        "target": {"kind": "openai_chat", "base_url": base_url, "model": "judge-1"},
        "prompt": {"system": "{{ instructions }}", "user": "{{ material }}"},
        "parameters": {"temperature": 0, "max_tokens": 500},
        **also,
    }
    return registration.register_version(row, version=version, body=body, by=by, at=clock.now())


def suite(*names: str, **also: Any) -> dict[str, Any]:
    """A policy with exact_match and these judged metrics, each by helpfulness-judge@v3."""
    return {
        "metrics": [
            {"metric": "exact_match", "role": "secondary"},
            *({"metric": name, "margin": 0.1, "parameters": parameters(name, also)} for name in names),
        ]
    }


def parameters(name: str, also: dict[str, Any]) -> dict[str, Any]:
    needs = {"rubric": RUBRIC} if name in {"judge_rubric", "judge_pairwise"} else {}
    return {"judge": "helpfulness-judge@v3", **needs, **also}
