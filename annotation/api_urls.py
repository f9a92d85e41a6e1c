from django.urls import path

from annotation import api

urlpatterns = [
    path("queue/next", api.QueueNext.as_view()),
    path("assignments/<uuid:assignment_id>/judgment", api.AssignmentJudgment.as_view()),
    path("assignments/<uuid:assignment_id>/skip", api.AssignmentSkip.as_view()),
    path("assignments/<uuid:assignment_id>/release", api.AssignmentRelease.as_view()),
    path(
        "assignments/<uuid:assignment_id>/heartbeat",
        api.AssignmentHeartbeat.as_view(),
        name="assignment-heartbeat",
    ),
    path("campaigns", api.Campaigns.as_view()),
    path("campaigns/<uuid:public_id>", api.CampaignView.as_view()),
    path("campaigns/<uuid:public_id>/agreement", api.CampaignAgreement.as_view()),
]
