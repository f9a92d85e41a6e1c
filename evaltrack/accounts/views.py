"""Pages of one's own: the confidentiality agreement."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect

from evaltrack import clock
from evaltrack.accounts import grants
from evaltrack.accounts.access import PageRequest, requires
from evaltrack.accounts.roles import Permission
from evaltrack.htmx import page


@requires(Permission.JUDGE)
def agreement(request: PageRequest) -> HttpResponse:
    if request.method == "POST":
        grants.accept_agreement(request.user, at=clock.now())
        messages.success(request, "Signed. Tasks can come now.")
        return redirect("queue")
    context = {
        "version": grants.AGREEMENT_VERSION,
        "signed": grants.has_accepted_agreement(request.user),
    }
    return page(request, "accounts/agreement.html", context)
