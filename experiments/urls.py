from django.urls import path

from experiments.views import examples, experiments, promotions

urlpatterns = [
    path("experiments/", experiments.experiment_list, name="experiments"),
    path("experiments/<str:public_id>/", experiments.experiment_detail, name="experiment"),
    path("experiments/<str:public_id>/examples/", examples.experiment_examples, name="experiment-examples"),
    path("experiments/<str:public_id>/cancel/", experiments.experiment_cancel, name="experiment-cancel"),
    path("experiments/<str:public_id>/rerun/", experiments.experiment_rerun, name="experiment-rerun"),
    path("promotions/", promotions.promotion_list, name="promotions"),
    path("promotions/request/", promotions.promotion_request, name="promotion-request"),
    path("promotions/<str:public_id>/", promotions.promotion_detail, name="promotion"),
    path("promotions/<str:public_id>/withdraw/", promotions.promotion_withdraw, name="promotion-withdraw"),
]
