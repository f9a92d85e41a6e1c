"""Rows of before: signatures name their text afterwards, and everybody has a pseudonym of their own."""

from evaltrack import clock

BEFORE = [("accounts", "0001_initial")]
AFTER = [("accounts", "0002_people")]


def test_signatures_and_people_of_before_are_kept(empty_database):
    apps = empty_database(BEFORE)
    users, signatures = (apps.get_model("accounts", name).objects for name in ("User", "AgreementAcceptance"))
    people = [users.create(username=f"person {n}") for n in range(3)]
    for person, version in zip(people, ["2026-1", "2026-1", "2020-9"], strict=True):
        signatures.create(user=person, version=version, accepted_at=clock.now())
    apps = empty_database(AFTER)
    signatures = apps.get_model("accounts", "AgreementAcceptance").objects.select_related("agreement")
    assert [row.agreement.version for row in signatures.order_by("pk")] == ["2026-1", "2026-1", "2020-9"]
    assert all(row.text_digest == row.agreement.digest for row in signatures)
    text = apps.get_model("accounts", "Agreement").objects.get(version="2026-1").text
    assert "Leads see agreement between evaluators by name." in text
    drawn = set(apps.get_model("accounts", "User").objects.values_list("pseudonym", flat=True))
    assert len(drawn) == 3
    assert not drawn & {None, ""}
