"""The four walks, in a browser, against the running demo. They build on each other, in this order."""

import time

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import UNDO_S, call, picture, press_until

FAQ, FINDER = "customer-faq", "store-finder"


def experiment_on(demo, component: str) -> str:
    """The oldest experiment on the component: the one that the demo made."""
    found = call(demo, f"experiments?component={component}")["results"]
    return found[-1]["id"]


def wait_for_status(demo, public_id: str, *wanted: str) -> dict:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        seen = call(demo, f"experiments/{public_id}")
        if seen["status"] in wanted:
            return seen
        time.sleep(0.3)
    raise AssertionError(f"{public_id} is still {seen['status']}: {seen['reason']}")


class TestFromCiToVerdict:
    def test_an_api_call_becomes_a_verdict_on_a_page(self, demo, sign_in):
        body = {
            "component": FINDER,
            "candidate": "v0.5.0",
            "baseline": "v0.4.0",
            "dataset": "faq-golden@3.2",
            "tier": "smoke",
            "context": {"repository": "fernweg/assistant", "pull_request": 42},
        }
        accepted = call(demo, "experiments", body, key="walk-1")
        assert accepted["status"] == "queued"
        assert call(demo, "experiments", body, key="walk-1")["id"] == accepted["id"]
        page = sign_in("owner")
        page.goto(f"/experiments/{accepted['id']}/")
        # The page follows by itself until the verdict is there.
        expect(page.get_by_text("Candidate against baseline")).to_be_visible(timeout=120_000)
        decided = call(demo, f"experiments/{accepted['id']}")
        assert decided["status"] == "decided"
        assert decided["progress"]["done"] == 20
        for row in decided["comparisons"]:
            expect(page.get_by_role("row").filter(has_text=row["metric"]).first).to_contain_text(
                row["outcome"]
            )

    def test_the_comparison_of_the_demo_shows_what_was_measured(self, demo, sign_in):
        public_id = experiment_on(demo, FAQ)
        measured = call(demo, f"experiments/{public_id}")
        page = sign_in("owner", viewport={"width": 1440, "height": 1250})
        page.goto(f"/experiments/{public_id}/")
        accuracy = next(row for row in measured["comparisons"] if row["metric"] == "accuracy")
        shown = page.get_by_role("row").filter(has_text="accuracy").first
        expect(shown).to_contain_text(f"{accuracy['candidate']['value'] * 100:.1f} %")
        assert measured["verdict"]["outcome"] == "INCONCLUSIVE"
        expect(page.locator("main")).to_contain_text("People still have to judge")
        picture(page, "comparison")

    def test_the_owner_submits_one_by_hand_in_the_admin(self, demo, sign_in):
        page = sign_in("owner")
        page.goto("/admin/experiments/experiment/add/")
        page.get_by_label("Component").select_option(label=FINDER)
        page.get_by_label("Candidate").select_option(label=f"{FINDER} v0.5.0")
        page.get_by_label("Baseline").select_option(label=f"{FINDER} v0.4.0")
        page.get_by_label("Dataset version").select_option(label="faq-golden@3.2")
        page.get_by_label("Tier").select_option("smoke")
        page.get_by_role("button", name="Save", exact=True).click()
        page.wait_for_url("**/experiments/exp-*/")
        public_id = page.url.rstrip("/").rpartition("/")[2]
        assert wait_for_status(demo, public_id, "decided")["progress"]["done"] == 20

    def test_a_person_without_the_right_sees_a_clear_refusal(self, demo, sign_in):
        page = sign_in("custodian")
        answer = page.goto(f"/experiments/{experiment_on(demo, FAQ)}/")
        assert answer is not None
        assert answer.status == 403
        expect(page.locator("main")).to_contain_text("Your role does not include")


class TestFromBreachToProxy:
    def test_an_overdue_campaign_is_escalated_once_and_the_proxy_gives_a_provisional_verdict(
        self, demo, sign_in
    ):
        public_id = experiment_on(demo, FAQ)
        make_overdue(demo, public_id)
        page = sign_in("lead")
        page.goto("/inbox/")
        expect(page.get_by_text("overdue", exact=False)).to_have_count(1)
        page.goto("/campaigns/")
        page.locator("tr", has_text=public_id).get_by_role("link").first.click()
        unblock = page.get_by_role("button", name="Let the proxy stand in")
        page.get_by_label("Why can this not wait?").fill(
            "The release is tonight and nobody could judge in time."
        )
        unblock.click()
        expect(page.locator("main")).to_contain_text("PROXY")
        verdict = call(demo, f"experiments/{public_id}")["verdict"]
        assert verdict["provisional"]
        assert verdict["people"] == "PROXY by factuality"
        page.goto(f"/experiments/{public_id}/")
        expect(page.locator("main")).to_contain_text("provisional")


def make_overdue(demo, public_id: str) -> None:
    """Let the campaign's due time pass, and the escalation run twice, as two workers would."""
    demo.manage(
        "shell",
        "-c",
        "import datetime as dt\n"
        "from annotation import jobs\n"
        "from annotation.models import Campaign, Slot, Task\n"
        "from evaltrack import clock\n"
        f"late = Campaign.objects.filter(experiment__public_id='{public_id}', is_simulated=False)\n"
        "past = clock.now() - dt.timedelta(hours=1)\n"
        "Task.objects.filter(campaign__in=late).update(due_at=past)\n"
        "Slot.objects.filter(campaign__in=late).update(due_at=past)\n"
        "late.update(due_at=past)\n"
        "jobs.escalate_overdue()\n"
        "jobs.escalate_overdue()\n",
    )


def choice_by_reading(page: Page) -> int:
    """How both evaluators of these tests judge: by length, one way or the other as the request is even or odd.

    So both systems are preferred at times, whichever twenty pairs were drawn; a tie is where both are the same.
    """
    prompt, one, two = (
        page.locator(f"#stage {part} [data-rendered]").inner_text()
        for part in (".prompt", ".pane-1", ".pane-2")
    )
    if one == two:
        return 3
    return 1 if ((len(one), one) > (len(two), two)) == (len(prompt) % 2 == 0) else 2


class TestFromJudgmentToAgreement:
    def test_one_evaluator_judges_everything_with_the_keyboard(self, demo, sign_in):
        page = sign_in("evaluator01")
        page.get_by_role("button", name="Judge the next task").click()
        heading = page.locator("main h1")
        for number in range(1, 21):
            expect(heading).to_have_text(f"Task {number} of 20")
            if number == 1:
                picture(page, "judging")
            chosen = choice_by_reading(page)
            press_until(
                page,
                f"Digit{chosen}",
                page.locator("#stage input[name=preference]").nth(chosen - 1).is_checked,
            )
            press_until(page, "Enter", lambda number=number: heading.inner_text() != f"Task {number} of 20")
        expect(heading).to_have_text("All done")

    def test_another_judges_without_javascript(self, demo, sign_in):
        page = sign_in("evaluator02", java_script_enabled=False)
        page.get_by_role("button", name="Judge the next task").click()
        for number in range(1, 21):
            expect(page.locator("h1")).to_have_text(f"Task {number} of 20")
            chosen = choice_by_reading(page)
            page.locator("#stage input[name=preference]").nth(chosen - 1).check()
            page.get_by_role("button", name="Submit").click()
        page.wait_for_url("**/queue/")
        expect(page.locator("body")).to_contain_text("Nothing is left for you")

    def test_the_lead_sees_the_agreement_and_closes_and_people_replace_the_proxy(self, demo, sign_in):
        public_id = experiment_on(demo, FAQ)
        page = sign_in("lead")
        page.goto("/campaigns/")
        page.locator("tr", has_text=public_id).get_by_role("link").first.click()
        campaign = page.url.rstrip("/").rpartition("/")[2]
        agreement = wait_until_final(demo, campaign, 40)
        page.reload()
        expect(page.locator("main")).to_contain_text("Cohen's kappa")
        assert agreement["n_judgments"] == 40
        # They judged by the same rule, so they agree; the interval still knows that these were twenty tasks.
        assert agreement["inter"]["cohen_kappa"]["value"] == pytest.approx(1)
        assert agreement["inter"]["cohen_kappa"]["ci_low"] < 1
        picture(page, "campaign")
        page.get_by_role("button", name="Close the campaign").click()
        expect(page.locator("main")).to_contain_text("closed")
        decided = call(demo, f"experiments/{public_id}")
        assert decided["status"] == "decided"
        assert not decided["verdict"]["provisional"]
        assert decided["verdict"]["people"] in {"PASS", "FAIL", "INCONCLUSIVE"}


def wait_until_final(demo, campaign: str, count: int) -> dict:
    """The last judgment of each counts when it cannot be undone any more."""
    deadline = time.monotonic() + UNDO_S + 20
    while (found := call(demo, f"campaigns/{campaign}/agreement"))["n_judgments"] != count:
        assert time.monotonic() < deadline, found["n_judgments"]
        time.sleep(0.3)
    return found


class TestFromPromotionToLedger:
    def test_a_promotion_is_requested_approved_by_another_and_proven(self, demo, sign_in):
        public_id = experiment_on(demo, FINDER)
        verdict = call(demo, f"experiments/{public_id}")["verdict"]
        owner = sign_in("owner")
        owner.goto(f"/experiments/{public_id}/")
        request = owner.get_by_role("button", name="Request production")
        if verdict["outcome"] != "PASS":
            expect(request).to_be_disabled()
            pytest.skip(f"the measured verdict is {verdict['outcome']}, which the page refuses to promote")
        owner.get_by_label("Why should it run in production?").fill(
            "Cites its sources and is right more often."
        )
        request.click()
        owner.wait_for_url("**/promotions/prm-*/")
        promotion = owner.url.rstrip("/").rpartition("/")[2]

        approver = sign_in("approver", viewport={"width": 1440, "height": 1100})
        approver.goto("/admin/experiments/promotionrequest/")
        approver.get_by_role("link", name=promotion).click()
        picture(approver, "promotion")
        approve = approver.get_by_role("button", name="Approve for production")
        approver.get_by_label("Reason, for either decision").fill("The interval of accuracy lies above zero.")
        approve.click()
        expect(approver.locator("body")).to_contain_text("runs in production now")

        live = call(demo, f"production/{FINDER}?environment=production")
        assert (live["version"], live["experiment"], live["promotion"]) == ("v0.5.0", public_id, promotion)
        auditor = sign_in("auditor")
        auditor.goto("/ledger/")
        expect(auditor.locator("main")).to_contain_text(f"approved {promotion}")
        assert "The ledger is sound." in demo.manage("verify_ledger")

    def test_without_an_experiment_the_form_is_refused(self, demo, sign_in):
        page = sign_in("owner")
        page.goto(f"/experiments/{experiment_on(demo, FINDER)}/")
        token = page.locator("meta[name=csrf-token]").get_attribute("content")
        answer = page.request.post(
            "/promotions/request/",
            form={
                "environment": "staging",
                "reason": "No evidence at all.",
                "csrfmiddlewaretoken": token or "",
            },
        )
        assert answer.status == 400
        assert "must name the experiment" in answer.text()
