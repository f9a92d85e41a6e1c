"""The pages of an evaluator: home, queue, screen, inbox, profile, and what the screen's script asks for."""

from annotation.models import Slot
from evaltrack.accounts import agreements
from evaltrack.accounts.roles import Permission
from tests.accounts.callers import bearer
from tests.annotation.leaks.crawler import ARM_WORDS, CSRF, answered_form
from tests.factories import annotation as factory
from tests.factories import people
from tests.factories.agreements import publish_another


def test_the_words_that_must_not_be_told_are_told_to_others(campaign, experiment, forbidden, lead):
    """The crawler would find them: a lead's answers have them."""
    client = bearer(lead, Permission.VIEW_EXPERIMENTS)
    answer = client.get(f"/api/v1/experiments/{experiment.public_id}").content.decode()
    assert "zz-secret" in answer
    assert ARM_WORDS.search(answer)
    assert sum(word in answer for word in forbidden) >= 5


def test_every_page_and_fragment_on_the_way_of_an_evaluator(crawler):
    assert crawler.walk() >= {"/", "/queue/", "/inbox/", "/profile/"}
    crawler.ask("post", "/profile/", {"languages": "de, german", "time_zone": "UTC"})
    crawler.ask("post", "/profile/", {"languages": "de", "time_zone": "UTC", "judgments_per_day": "400"})
    while shown := factory.next_for(crawler.evaluator):
        crawler.walk()
        submit, skip = (f"/review/{shown.public_id}/{act}/" for act in ("submit", "skip"))
        crawler.ask("get", "/review/")
        crawler.ask("get", submit)
        for htmx in (False, True):
            crawler.ask("post", submit, answered_form(shown, preference=""), htmx=htmx)
            crawler.ask("post", skip, {}, htmx=htmx)
            crawler.ask("post", submit, answered_form(shown, judgment_id="0"), htmx=htmx)
        if shown.slot.order_key % 3:
            crawler.ask("post", submit, answered_form(shown), htmx=bool(shown.slot.order_key % 2))
            crawler.ask("post", submit, answered_form(shown, preference="2"), htmx=True)
        else:
            crawler.ask("post", skip, {"reason": "Another reason"}, htmx=bool(shown.slot.order_key % 2))
    crawler.ask("post", "/queue/next/")
    crawler.walk()
    crawler.ask("post", "/agreement/")
    crawler.ask("post", "/inbox/read/")
    assert {422, 200, 302} <= crawler.statuses
    crawler.ask("post", "/logout/")


def test_an_assignment_that_went_to_somebody_else(crawler, both):
    late = factory.next_for(both[0])
    factory.lease_ends(late)
    factory.next_for(both[1])
    for htmx in (False, True):
        crawler.ask("post", f"/review/{late.public_id}/submit/", answered_form(late), htmx=htmx)
    crawler.walk()


def test_everything_that_the_screens_script_asks_for(crawler):
    """Cards, one fetched ahead, drafts, whose session it is, an undo; and why there is nothing."""
    while shown := factory.next_for(crawler.evaluator):
        crawler.ask("get", "/review/session/")
        crawler.ask("post", "/queue/next/", headers={"X-Judge": "card"})
        crawler.ask("post", "/queue/next/", {"prefetch": "1"}, headers={"X-Judge": "card"})
        crawler.ask("get", f"/review/{shown.public_id}/")
        draft = {"preference": "tie", "comment": "half a thought"}
        crawler.ask("post", f"/review/{shown.public_id}/draft/", draft, content_type="application/json")
        crawler.ask("post", f"/review/{shown.public_id}/draft/", [], content_type="application/json")
        crawler.ask("get", "/review/")
        crawler.ask("post", f"/review/{shown.public_id}/submit/", answered_form(shown))
        crawler.ask("post", f"/review/undo/{shown.judgment_id}/")
        shown.refresh_from_db()
        crawler.ask("post", f"/review/{shown.public_id}/submit/", answered_form(shown))
        crawler.ask("get", f"/review/{shown.public_id}/")
    crawler.ask("post", "/queue/next/", headers={"X-Judge": "card"})


def test_every_reason_why_there_is_nothing(crawler, api, campaign, lead, both):
    """A task one may not have, a day that is full, an agreement that has changed: told without naming a system."""
    shown = factory.next_for(crawler.evaluator)

    def asked():
        crawler.ask("get", "/queue/")
        crawler.ask("post", "/queue/next/", headers={"X-Judge": "card"})
        crawler.ask("post", "/queue/next/", {"prefetch": "1"}, headers={"X-Judge": "card"})
        crawler.walk()
        body = {"prefetch": True, "campaign": str(campaign.public_id)}
        return api.ask("post", "/api/v1/queue/next", body, content_type="application/json").json()

    people.limited(both[0], lead, judgments=1)
    assert asked()["reason"] == "workload_cap"
    skill = people.skill(lead)
    campaign.skills.add(skill)
    assert asked()["reason"] == "not_qualified"
    publish_another(lead)
    assert asked()["reason"] == "agreement_unsigned"
    crawler.ask("get", "/agreement/?next=/queue/next/")
    crawler.ask("post", f"/review/{shown.public_id}/submit/", answered_form(shown))
    signed = {"digest": agreements.in_force().digest, "next": "/queue/next/"}
    assert crawler.ask("post", "/agreement/", signed).status_code == 307
    crawler.walk()


def test_the_two_orders_of_a_task_differ_in_nothing_but_the_order(crawler, both):
    shown = factory.next_for(both[0])

    def page():
        return CSRF.sub("", crawler.ask("get", "/review/").content.decode())

    one_way = page()
    Slot.objects.filter(pk=shown.slot_id).update(places=shown.slot.places[::-1])
    other_way = page()
    first, second = factory.texts_of(shown.task)
    assert one_way != other_way
    # Once as rendered, and once more raw for those who ask for it.
    assert one_way.count(first) == one_way.count(second) == 2
    swapped = other_way.replace(first, "\0").replace(second, first).replace("\0", second)
    assert one_way == swapped


def test_what_is_read_stays_out_of_caches(crawler, both):
    factory.next_for(both[0])
    for path in ("/review/", "/queue/", "/inbox/"):
        headers = crawler.ask("get", path).headers
        assert headers["Cache-Control"] == "no-store"
        assert not {"ETag", "Last-Modified", "Server-Timing"} & set(headers)


def test_ids_are_random_and_say_nothing_about_their_order(campaign, both):
    shown = factory.next_for(both[0])
    for row_id in (shown.public_id, shown.judgment_id, shown.task.public_id):
        assert row_id.version == 4
