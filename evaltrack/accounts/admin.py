"""The administrator's desk: people, their roles, their tokens."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.db import transaction

from evaltrack import clock
from evaltrack.accounts import grants, tokens
from evaltrack.accounts.models import ApiToken, RoleGrant, User
from evaltrack.accounts.roles import Role
from evaltrack.ledger.events import Event
from evaltrack.ledger.record import record


@admin.register(User)
class PersonAdmin(UserAdmin):
    """Accounts. Roles are granted on their own page, because each grant is an act with a ledger entry."""

    list_display = ("username", "first_name", "last_name", "email", "pseudonym", "is_active", "is_machine")
    list_filter = ("is_active", "is_machine")
    # Who has to find the person behind a pseudonym asks an administrator: leads see pseudonyms alone.
    search_fields = ("username", "first_name", "last_name", "email", "pseudonym")
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email", "pseudonym", "is_active")}),
        ("History", {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("pseudonym", "last_login", "date_joined")

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        if not change:
            record(Event.ACCOUNT_CREATED, by=request.user, subject=obj, at=clock.now())

    @transaction.atomic
    def user_change_password(self, request, id, form_url=""):
        """Django's page, with an entry and a word to the person: whoever sets a password could use it."""
        person = User.objects.select_for_update().filter(pk=id).first()
        before = person.password if person else ""
        response = super().user_change_password(request, id, form_url)
        if person is not None:
            person.refresh_from_db()
            if person.password != before:
                grants.password_was_set(person, by=request.user, at=clock.now())
        return response

    def has_delete_permission(self, request, obj=None):
        return False


@admin.register(RoleGrant)
class RoleGrantAdmin(admin.ModelAdmin):
    list_display = ("user", "role", "granted_by", "granted_at", "revoked_by", "revoked_at")
    list_filter = ("role",)
    list_select_related = ("user", "granted_by", "revoked_by")
    fields = ("user", "role")
    actions = ("revoke",)

    def save_model(self, request, obj, form, change):
        row = grants.grant(obj.user, Role(obj.role), by=request.user, at=clock.now())
        obj.pk = row.pk
        obj.refresh_from_db()

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    @admin.action(description="Revoke these roles", permissions=["add"])
    def revoke(self, request, queryset):
        for grant in queryset.filter(revoked_at=None):
            grants.revoke(grant.pk, by=request.user, at=clock.now())


@admin.register(ApiToken)
class ApiTokenAdmin(admin.ModelAdmin):
    """Tokens that were issued, and an end to them."""

    list_display = ("name", "user", "prefix", "expires_at", "last_used_at", "revoked_at")
    list_select_related = ("user",)
    actions = ("revoke",)
    fields = ("name", "user", "prefix", "scopes", "created_by", "created_at", "expires_at", "last_used_at")

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    @admin.action(description="Revoke these tokens", permissions=["view"])
    def revoke(self, request, queryset):
        for token in queryset:
            tokens.revoke(token, by=request.user, at=clock.now())
