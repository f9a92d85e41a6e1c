"""The map of the site."""

from django.contrib import admin
from django.contrib.auth import views as auth
from django.contrib.auth.decorators import login_not_required
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView

from evaltrack import health, scrape
from evaltrack.accounts import api as people_api
from evaltrack.accounts.views import agreement, evaluators, profile
from evaltrack.notifications.views import channels, inbox, preferences
from evaltrack.reports import api as ledger_api
from evaltrack.reports import views as reports

# Addresses are tried in their order; those of the queue, asked most by far, come first.
API: list[URLPattern | URLResolver] = [
    path("", include("annotation.api.urls")),
    path("", include("experiments.api.urls")),
    path("", include("datasets.api_urls")),
    path("skills", people_api.Skills.as_view()),
    path("evaluators", people_api.Evaluators.as_view()),
    path("evaluators/<str:pseudonym>", people_api.EvaluatorView.as_view()),
    path("evaluators/<str:pseudonym>/skills", people_api.EvaluatorSkills.as_view()),
    path("evaluators/<str:pseudonym>/skills/revoke", people_api.EvaluatorSkillRevoke.as_view()),
    path("evaluators/<str:pseudonym>/limit", people_api.EvaluatorLimit.as_view()),
    path("evaluators/<str:pseudonym>/languages", people_api.EvaluatorLanguages.as_view()),
    path("ledger/checkpoint", ledger_api.LedgerCheckpoint.as_view()),
    path("ledger/entries/<int:index>", ledger_api.LedgerEntryView.as_view()),
    path("ledger/proof", ledger_api.LedgerProof.as_view()),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
]

urlpatterns = [
    path("api/v1/", include(API)),
    path("", reports.home, name="home"),
    path(
        "login/",
        login_not_required(auth.LoginView.as_view(template_name="accounts/login.html")),
        name="login",
    ),
    path("logout/", auth.LogoutView.as_view(), name="logout"),
    path("agreement/", agreement.agreement, name="agreement"),
    path("agreement/texts/", agreement.agreement_texts, name="agreement-texts"),
    path("profile/", profile.profile, name="profile"),
    path("profile/messages/", preferences.mail_preferences, name="mail-preferences"),
    path("skills/", evaluators.skill_create, name="skill-create"),
    path("evaluators/", evaluators.evaluator_list, name="evaluators"),
    path("evaluators/<str:pseudonym>/", evaluators.evaluator_detail, name="evaluator"),
    path("evaluators/<str:pseudonym>/skills/", evaluators.skill_grant, name="skill-grant"),
    path("evaluators/<str:pseudonym>/skills/revoke/", evaluators.skill_revoke, name="skill-revoke"),
    path("evaluators/<str:pseudonym>/limit/", evaluators.limit_set, name="limit-set"),
    path("evaluators/<str:pseudonym>/languages/", evaluators.language_confirm, name="language-confirm"),
    path("inbox/", inbox.inbox, name="inbox"),
    path("inbox/read/", inbox.mark_read, name="inbox-read"),
    path("channels/", channels.channel_list, name="channels"),
    path("channels/<uuid:channel_id>/", channels.channel_detail, name="channel"),
    path("", include("datasets.urls")),
    path("", include("experiments.urls")),
    path("", include("annotation.urls")),
    path("ledger/", reports.ledger, name="ledger"),
    path("ledger/<int:index>/", reports.ledger_entry, name="ledger-entry"),
    path("admin/", admin.site.urls),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", scrape.metrics),
]

handler404 = "evaltrack.http_errors.not_found"
handler500 = "evaltrack.http_errors.server_error"
