"""What stands on a campaign's page by criterion and by stratum."""

from typing import Any

from annotation import rubrics
from annotation.agreement import figures, findings, human_rule, pairs
from annotation.agreement.tally import MOST_STRATA
from annotation.models import Campaign
from evaltrack.templatetags import intervals


def parts_of(campaign: Campaign, found: figures.Shown, told: dict[str, Any]) -> dict[str, Any]:
    """Criteria and strata beside the whole, where they say more; `told` is what the page says of the whole."""
    if isinstance(found, findings.Findings):
        return {}
    rule, questions = human_rule.of(campaign), rubrics.of(campaign.rubric).criteria
    # The mean over pairs of evaluators is not kept by part: alpha stands in for it, however many judgments there are.
    coefficient = rule.coefficient if rule.coefficient in pairs.ANY_TIME else "krippendorff_alpha"
    labels = {("criterion", each.id): each.question for each in questions}
    rows = [
        {
            **row,
            "label": labels.get((row["kind"], row["name"]), row["name"]),
            "agreement": row["agreement"][coefficient],
        }
        for row in found.parts([coefficient])
        # A stratum that everything is of is the whole.
        if row["kind"] == "criterion" or row["n_judgments"] < found.n_judgments
    ]
    whole = {**told, "agreement": found.coefficient(coefficient).as_json()}
    drawn = [row["agreement"] for row in (whole, *rows)]
    standings = figures.preferences_by_part(found) if rows and told["systems"] else None
    return {
        "whole": whole,
        "parts": rows,
        "parts_rule": {"coefficient": coefficient},
        "parts_start": intervals.floor_start(drawn, rule.floor),
        "strengths": found.preferences() if told["systems"] else None,
        "standings": [
            {"kind": row["kind"], "label": row["label"], **standings[row["kind"]][row["name"]]}
            for row in rows
        ]
        if standings
        else [],
        "most_strata": MOST_STRATA,
    }
