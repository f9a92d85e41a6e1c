"""The administrator's desk: people, their roles, their tokens."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin

from evaltrack import clock
from evaltrack.accounts import grants
from evaltrack.accounts.models import ApiToken, RoleGrant, User
from evaltrack.accounts.roles import Role


@admin.register(User)
class PersonAdmin(UserAdmin):
    """Accounts. Roles are granted on their own page, because each grant is an act with a ledger entry."""

    list_display = ("username", "first_name", "last_name", "email", "is_active", "is_machine")
    list_filter = ("is_active", "is_machine")
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email", "is_active", "is_machine")}),
        ("History", {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")

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
    list_display = ("name", "user", "prefix", "expires_at", "last_used_at", "revoked_at")
    list_select_related = ("user",)
    fields = ("name", "user", "prefix", "scopes", "created_by", "created_at", "expires_at", "last_used_at")

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False
