"""The ledger API: checkpoint, entries, proofs."""

import base64

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response

from evaltrack.accounts.roles import Permission as P
from evaltrack.api import ApiView
from evaltrack.errors import Invalid, NotFound
from evaltrack.ledger import merkle
from evaltrack.ledger.models import Checkpoint, LedgerEntry


class LedgerCheckpoint(ApiView):
    permissions = {"GET": (P.VIEW_LEDGER,)}

    @extend_schema(responses={200: dict})
    def get(self, request):
        """The newest signed statement of the ledger; keep it elsewhere, and later verify against it."""
        row = Checkpoint.objects.order_by("-size").first()
        if row is None:
            raise NotFound("no_checkpoint", "No checkpoint was issued yet; a worker issues one each hour.")
        return Response({"size": row.size, "root": row.root, "note": row.note, "issued_at": row.issued_at})


class LedgerEntryView(ApiView):
    permissions = {"GET": (P.VIEW_LEDGER,)}

    @extend_schema(responses={200: dict})
    def get(self, request, index: int):
        entry = LedgerEntry.objects.filter(index=index).first()
        if entry is None:
            raise NotFound("no_such_entry", f"The ledger has no entry {index}.")
        return Response(
            {
                "index": entry.index,
                "event": entry.event,
                "sentence": entry.sentence,
                "recorded_at": entry.recorded_at,
                "actor": entry.actor,
                "actor_role": entry.actor_role,
                "subject_type": entry.subject_type,
                "subject_id": entry.subject_id,
                "canonical": base64.b64encode(bytes(entry.canonical)).decode(),
                "leaf_hash": entry.leaf_hash,
            }
        )


class LedgerProof(ApiView):
    """`index` and `size`: an inclusion proof. `from` and `size`: a consistency proof."""

    permissions = {"GET": (P.VIEW_LEDGER,)}

    @extend_schema(
        parameters=[OpenApiParameter(name, int) for name in ("index", "from", "size")], responses={200: dict}
    )
    def get(self, request):
        now = LedgerEntry.objects.size()
        size = whole(request, "size", default=now)
        if not 0 < size <= now:
            raise Invalid("bad_size", f"The ledger has {now} entries; size is from 1 to {now}.")
        leaves = list(LedgerEntry.objects.leaf_hashes(size))
        if "from" in request.query_params:
            old = whole(request, "from", default=0)
            if not 0 <= old <= size:
                raise Invalid("bad_from", f"from is between 0 and the size, {size}.")
            proof = merkle.consistency_proof(old, leaves)
            return Response({"from": old, "size": size, "proof": [step.hex() for step in proof]})
        index = whole(request, "index", default=size - 1)
        if not 0 <= index < size:
            raise Invalid("bad_index", f"index is from 0 to {size - 1}.")
        proof = merkle.inclusion_proof(index, leaves)
        root = merkle.root(leaves).hex()
        return Response({"index": index, "size": size, "root": root, "proof": [step.hex() for step in proof]})


def whole(request, name: str, *, default: int) -> int:
    text = request.query_params.get(name, "")
    if not text:
        return default
    if not text.isdecimal() or len(text) > 18:
        raise Invalid("bad_number", f"{name} is a whole number.")
    return int(text)
