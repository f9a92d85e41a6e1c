"""The admin shows the ledger and offers no way to change it."""

import pytest
from django.contrib import admin as django_admin
from django.test import RequestFactory

from evaltrack.ledger.admin import LedgerEntryAdmin
from evaltrack.ledger.models import Checkpoint, LedgerEntry


class Reader:
    """Somebody with every permission that Django knows."""

    is_active = is_staff = is_superuser = True
    pk = 1

    def has_perm(self, permission, obj=None):
        return True

    def has_module_perms(self, label):
        return True

    def get_all_permissions(self):
        return {"ledger.view_ledgerentry", "ledger.view_checkpoint"}


@pytest.fixture
def as_reader():
    def ask(**query):
        request = RequestFactory().get("/admin/", query)
        request.user = Reader()
        return request

    return ask


@pytest.mark.parametrize("model", [LedgerEntry, Checkpoint])
def test_even_who_may_do_everything_can_only_read(as_reader, model):
    page, request = django_admin.site.get_model_admin(model), as_reader()
    assert page.has_view_permission(request)
    assert not page.has_add_permission(request)
    assert not page.has_change_permission(request)
    assert not page.has_delete_permission(request)
    assert page.get_actions(request) == {}


@pytest.mark.parametrize("wanted", ["approved", "11111111-1111", "Ann", "promotionrequest"])
def test_entries_are_found_by_what_people_remember(as_reader, entry, wanted):
    page = LedgerEntryAdmin(LedgerEntry, django_admin.site)
    listed = page.get_changelist_instance(as_reader(q=wanted)).queryset
    assert [found.sentence for found in listed] == [entry.sentence]
    assert not page.get_changelist_instance(as_reader(q="Zoë")).queryset.exists()


@pytest.mark.urls("tests.ledger.admin_urls")
def test_one_entry_shows_the_content_of_its_hashed_bytes(as_reader, entry, settings):
    # The admin's own templates alone: the page around it is tested where it is made.
    settings.STORAGES = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
    settings.TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
    page = LedgerEntryAdmin(LedgerEntry, django_admin.site)
    response = page.change_view(as_reader(), str(entry.index))
    shown = response.render().content.decode()
    assert "Ann Approver approved the promotion of Summariser 3" in shown
    assert "decision_digest" in shown
    assert 'name="_save"' not in shown
