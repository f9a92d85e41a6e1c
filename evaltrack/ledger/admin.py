"""The ledger in the admin: to read, never to write."""

import json
from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from evaltrack.ledger.models import Checkpoint, LedgerEntry


class ReadOnly(admin.ModelAdmin):
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnly):
    list_display = ["index", "recorded_at", "sentence", "actor_name", "actor_role", "subject_name"]
    list_filter = ["event", "actor_role", "subject_type"]
    search_fields = ["event_id", "event", "actor", "subject_type", "subject_id", "leaf_hash", "names"]
    date_hierarchy = "recorded_at"
    ordering = ["-index"]
    fields = [
        *["index", "recorded_at", "event", "sentence", "actor", "actor_role", "subject_type", "subject_id"],
        *["event_id", "schema_version", "hashed_bytes", "leaf_hash", "names"],
    ]
    readonly_fields = ["sentence", "hashed_bytes"]

    @admin.display(description="content of the hashed bytes")
    def hashed_bytes(self, entry: LedgerEntry) -> str:
        return json.dumps(entry.content, indent=1, ensure_ascii=False)


@admin.register(Checkpoint)
class CheckpointAdmin(ReadOnly):
    list_display = ["issued_at", "size", "root"]
    fields = ["issued_at", "size", "root", "note"]
    ordering = ["-id"]
