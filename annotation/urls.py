from django.urls import path

from annotation.views import campaigns, flags, queue

urlpatterns = [
    path("queue/", queue.queue, name="queue"),
    path("queue/next/", queue.next_task, name="queue-next"),
    path("review/", queue.review, name="review"),
    path("review/session/", queue.session, name="review-session"),
    path("review/<uuid:assignment_id>/", queue.review_card, name="review-card"),
    path("review/<uuid:assignment_id>/submit/", queue.submit, name="review-submit"),
    path("review/<uuid:assignment_id>/skip/", queue.skip, name="review-skip"),
    path("review/<uuid:assignment_id>/draft/", queue.draft, name="review-draft"),
    path("review/undo/<uuid:judgment_id>/", queue.undo, name="review-undo"),
    path("campaigns/", campaigns.campaign_list, name="campaigns"),
    path("campaigns/<uuid:public_id>/", campaigns.campaign_detail, name="campaign"),
    path("campaigns/<uuid:public_id>/close/", campaigns.campaign_close, name="campaign-close"),
    path("campaigns/<uuid:public_id>/pause/", campaigns.campaign_pause, name="campaign-pause"),
    path("campaigns/<uuid:public_id>/resume/", campaigns.campaign_resume, name="campaign-resume"),
    path("campaigns/<uuid:public_id>/exclude/", campaigns.campaign_exclude, name="campaign-exclude"),
    path("campaigns/<uuid:public_id>/flags/", flags.flag_list, name="campaign-flags"),
    path("campaigns/<uuid:public_id>/unblock/", campaigns.campaign_unblock, name="campaign-unblock"),
]
