from django.urls import path

from experiments.views import (
    backtest,
    comparison,
    components,
    examples,
    experiments,
    health,
    livetests,
    planner,
    production,
    promotions,
)

urlpatterns = [
    path("components/", components.component_list, name="components"),
    path("components/<str:name>/", components.component_detail, name="component"),
    path("components/<str:name>/production/", production.component_production, name="component-production"),
    path("components/<str:name>/planner/", planner.component_planner, name="component-planner"),
    path("components/<str:name>/backtest/", backtest.component_backtest, name="component-backtest"),
    path("components/<str:name>/compare/", comparison.component_compare, name="component-compare"),
    path("components/<str:name>/compare/save/", comparison.comparison_save, name="comparison-save"),
    path("components/<str:name>/compare/forget/", comparison.comparison_forget, name="comparison-forget"),
    path("experiments/", experiments.experiment_list, name="experiments"),
    path("experiments/<str:public_id>/", experiments.experiment_detail, name="experiment"),
    path("experiments/<str:public_id>/examples/", examples.experiment_examples, name="experiment-examples"),
    path("experiments/<str:public_id>/cancel/", experiments.experiment_cancel, name="experiment-cancel"),
    path("experiments/<str:public_id>/rerun/", experiments.experiment_rerun, name="experiment-rerun"),
    path("experiments/<str:public_id>/extend/", experiments.experiment_extend, name="experiment-extend"),
    path(
        "experiments/<str:public_id>/recompute/",
        experiments.experiment_recompute,
        name="experiment-recompute",
    ),
    path("live-tests/<str:public_id>/", livetests.live_test_detail, name="live-test"),
    path("live-tests/<str:public_id>/end/", livetests.live_test_end, name="live-test-end"),
    path("datasets/<slug:slug>/<str:version>/health/", health.dataset_health, name="dataset-health"),
    path("promotions/", promotions.promotion_list, name="promotions"),
    path("promotions/promises/", production.promises_kept, name="promises"),
    path("promotions/request/", promotions.promotion_request, name="promotion-request"),
    path("promotions/<str:public_id>/", promotions.promotion_detail, name="promotion"),
    path("promotions/<str:public_id>/withdraw/", promotions.promotion_withdraw, name="promotion-withdraw"),
]
