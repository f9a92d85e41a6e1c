"""Addresses of leads, owners and others, with real ids: shut, and alike whether or not anything is behind."""

import uuid

from experiments import promotion
from tests.annotation.leaks.crawler import CSRF


def doors(campaign, experiment, judge):
    """Addresses of leads, owners and others, with real ids."""
    request = promotion.PromotionRequest.objects.first()
    at_experiment = f"/experiments/{experiment.public_id}/"
    pages = [
        "/components/zz-secret-component/series/",
        "/metrics", "/experiments/queue/",
        "/experiments/", at_experiment, f"{at_experiment}examples/", f"{at_experiment}cancel/",
        f"{at_experiment}example/?id=q1",
        f"{at_experiment}rerun/", f"{at_experiment}extend/", f"{at_experiment}pause/", f"{at_experiment}resume/",
        "/campaigns/", "/campaigns/new/", f"/campaigns/new/{campaign.public_id}/",
        f"/campaigns/new/{campaign.public_id}/review/", f"/campaigns/new/{campaign.public_id}/drop/",
        f"/campaigns/new/for/{experiment.public_id}/",
        f"/campaigns/{campaign.public_id}/", f"/campaigns/{campaign.public_id}/close/",
        f"/campaigns/{campaign.public_id}/gold/", f"/campaigns/{campaign.public_id}/appeal/", "/courses/",
        f"/campaigns/{campaign.public_id}/exclude/", f"/campaigns/{campaign.public_id}/flags/",
        f"/campaigns/{campaign.public_id}/conflicts/", f"/campaigns/{campaign.public_id}/settled-gold/",
        f"/campaigns/{campaign.public_id}/evaluators/",
        f"/campaigns/{campaign.public_id}/evaluators/{judge.pseudonym}/",
        f"/campaigns/{campaign.public_id}/evaluators/{judge.pseudonym}/pause/",
        f"/campaigns/{campaign.public_id}/evaluators/{judge.pseudonym}/answer/",
        f"/campaigns/{campaign.public_id}/extend/", f"/campaigns/{campaign.public_id}/overlap/",
        f"/campaigns/{campaign.public_id}/waive/", f"/campaigns/{campaign.public_id}/withdraw/",
        f"/campaigns/{campaign.public_id}/unblock/", "/datasets/", "/datasets/zz-secret-dataset/",
        f"/campaigns/{campaign.public_id}/unblock/", f"/campaigns/{campaign.public_id}/reassign/",
        "/datasets/", "/datasets/zz-secret-dataset/",
        "/evaluators/", f"/evaluators/{judge.pseudonym}/", f"/evaluators/{judge.pseudonym}/limit/",
        "/skills/", "/agreement/texts/", "/channels/", f"/channels/{uuid.uuid4()}/",
        "/promotions/", "/promotions/request/", "/ledger/", "/ledger/3/", "/no-such-page/",
        "/admin/", f"/admin/experiments/experiment/{experiment.pk}/change/", "/admin/ledger/ledgerentry/",
        "/admin/experiments/promotionrequest/", "/admin/accounts/user/", "/admin/no-such-page/",
    ]  # fmt: skip
    api = [
        "experiments/queue",
        "experiments", f"experiments/{experiment.public_id}", f"experiments/{experiment.public_id}/cancel",
        f"experiments/{experiment.public_id}/rerun", f"experiments/{experiment.public_id}/extend",
        f"experiments/{experiment.public_id}/pause", f"experiments/{experiment.public_id}/resume", "prices",
        "runs", f"runs/{experiment.runs.first().public_id}", f"runs/{experiment.runs.first().public_id}/examples",
        f"runs/{experiment.runs.first().public_id}/outputs", f"runs/{experiment.runs.first().public_id}/finish",
        "components", "components/zz-secret-component/versions", "series/openmetrics",
        "components/zz-secret-component/metrics/exact_match/points",
        "datasets", "datasets/zz-secret-dataset/versions", "datasets/zz-secret-dataset/versions/77.1",
        "datasets/zz-secret-dataset/versions/77.1/examples", "campaigns", f"campaigns/{campaign.public_id}",
        "rubrics/helpfulness/course", "rubrics/helpfulness/lessons",
        f"campaigns/{campaign.public_id}/conflicts", f"campaigns/{campaign.public_id}/labels",
        f"campaigns/{campaign.public_id}/settled-gold",
        f"campaigns/{campaign.public_id}/agreement", f"campaigns/{campaign.public_id}/flags",
        f"campaigns/{campaign.public_id}/late", f"campaigns/{campaign.public_id}/reassign",
        f"campaigns/{campaign.public_id}/export?format=csv", f"campaigns/{campaign.public_id}/tasks",
        f"campaigns/{campaign.public_id}/tasks?format=label_studio&part=key",
        f"campaigns/{campaign.public_id}/evaluators",
        f"campaigns/{campaign.public_id}/evaluators/{judge.pseudonym}/pause",
        f"campaigns/{campaign.public_id}/evaluators/{judge.pseudonym}/resume",
        "promotions", "production/zz-secret-component",
        "ledger/checkpoint", "ledger/entries/3", "ledger/proof", "no-such-call",
        "skills", "evaluators", f"evaluators/{judge.pseudonym}", f"evaluators/{judge.pseudonym}/skills",
    ]  # fmt: skip
    assert request is None
    return pages + [f"/api/v1/{call}" for call in api]


def test_doors_of_others_stay_shut_and_say_nothing(crawler, api, campaign, experiment, both):
    for path in doors(campaign, experiment, both[1]):
        for method in ("get", "post", "options", "put", "delete", "head"):
            for htmx in (False, True):
                shut = crawler.ask(method, path, htmx=htmx)
                assert shut.status_code in (302, 403, 404, 405), (method, path)
                if shut.status_code == 302:
                    assert shut.url.startswith("/admin/login/")
        if path.startswith("/api/"):
            for method in ("get", "post", "options", "put", "delete", "head"):
                assert api.ask(method, path).status_code in (403, 404, 405), (method, path)


def test_a_real_id_looks_like_an_invented_one(crawler, campaign, experiment):
    pairs = [
        (f"/campaigns/{campaign.public_id}/", f"/campaigns/{uuid.uuid4()}/"),
        (f"/experiments/{experiment.public_id}/", "/experiments/exp-20200101-001/"),
        (f"/api/v1/campaigns/{campaign.public_id}", f"/api/v1/campaigns/{uuid.uuid4()}"),
        ("/datasets/zz-secret-dataset/", "/datasets/other/"),
    ]
    for real, invented in pairs:
        answers = [crawler.ask("get", path) for path in (real, invented)]
        assert answers[0].status_code == answers[1].status_code
        assert CSRF.sub("", answers[0].content.decode()) == CSRF.sub("", answers[1].content.decode())
