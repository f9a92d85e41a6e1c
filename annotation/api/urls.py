from django.urls import path

from annotation.api import campaigns, courses, exports, flags, imports, media, queue, rubrics, sla, tasks

urlpatterns = [
    path("queue/next", queue.QueueNext.as_view()),
    path("assignments/<uuid:assignment_id>/judgment", queue.AssignmentJudgment.as_view()),
    path("assignments/<uuid:assignment_id>/activate", queue.AssignmentActivate.as_view()),
    path("assignments/<uuid:assignment_id>/skip", queue.AssignmentSkip.as_view()),
    path("assignments/<uuid:assignment_id>/release", queue.AssignmentRelease.as_view()),
    path(
        "assignments/<uuid:assignment_id>/heartbeat",
        queue.AssignmentHeartbeat.as_view(),
        name="assignment-heartbeat",
    ),
    path(
        "assignments/<uuid:assignment_id>/media/<int:place>",
        media.AssignmentMedia.as_view(),
        name="assignment-media",
    ),
    path("judgments/<uuid:judgment_id>/guess", queue.JudgmentGuess.as_view()),
    path("judgments/<uuid:judgment_id>/undo", queue.JudgmentUndo.as_view()),
    path("rubrics/<path:rubric>/course", courses.CourseOfRubric.as_view()),
    path("rubrics/<path:rubric>/lessons", courses.CourseLessons.as_view()),
    path("queue/waiting", sla.QueueWaiting.as_view()),
    path("sla-policies", sla.SlaPolicies.as_view()),
    path("campaigns", campaigns.Campaigns.as_view()),
    path("campaigns/<uuid:public_id>", campaigns.CampaignView.as_view()),
    path("campaigns/<uuid:public_id>/rubric", rubrics.CampaignRubric.as_view()),
    path("campaigns/<uuid:public_id>/tasks", tasks.CampaignTasks.as_view(), name="campaign-tasks"),
    path("campaigns/<uuid:public_id>/judgments", imports.CampaignJudgments.as_view()),
    path("campaigns/<uuid:public_id>/export", exports.CampaignExport.as_view(), name="campaign-export"),
    path("campaigns/<uuid:public_id>/flags", flags.CampaignFlags.as_view()),
    path("campaigns/<uuid:public_id>/media", media.CampaignMedia.as_view()),
    path("campaigns/<uuid:public_id>/agreement", campaigns.CampaignAgreement.as_view()),
    path("campaigns/<uuid:public_id>/preferences", campaigns.CampaignPreferences.as_view()),
]
