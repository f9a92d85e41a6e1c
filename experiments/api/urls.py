from django.urls import path

from experiments.api import prices, production, run_queue, runs, series, views

urlpatterns = [
    path("components", views.Components.as_view()),
    path("components/<str:name>/versions", views.ComponentVersions.as_view()),
    path("components/<str:name>/backtest", views.ComponentBacktest.as_view()),
    path("components/<str:name>/metrics/<str:metric>/points", series.Points.as_view()),
    path("series/openmetrics", series.OpenMetrics.as_view()),
    path("experiments", views.Experiments.as_view()),
    path("experiments/queue", run_queue.RunQueue.as_view()),
    path("experiments/<str:public_id>", views.ExperimentView.as_view()),
    path("experiments/<str:public_id>/cancel", views.ExperimentCancel.as_view()),
    path("experiments/<str:public_id>/pause", views.ExperimentPause.as_view()),
    path("experiments/<str:public_id>/resume", views.ExperimentResume.as_view()),
    path("experiments/<str:public_id>/rerun", views.ExperimentRerun.as_view()),
    path("experiments/<str:public_id>/extend", views.ExperimentExtend.as_view()),
    path("prices", prices.Prices.as_view()),
    path("runs", runs.Runs.as_view()),
    path("runs/<uuid:run_id>", runs.RunView.as_view()),
    path("runs/<uuid:run_id>/examples", runs.RunExamples.as_view()),
    path("runs/<uuid:run_id>/outputs", runs.RunOutputs.as_view()),
    path("runs/<uuid:run_id>/finish", runs.RunFinish.as_view()),
    path("promotions", views.Promotions.as_view()),
    path("promotions/<str:public_id>", views.PromotionView.as_view()),
    path("promotions/<str:public_id>/withdraw", views.PromotionWithdraw.as_view()),
    path("production/<str:name>", production.Production.as_view()),
    path("production/<str:name>/samples", production.ProductionSamples.as_view()),
    path("live-tests", production.LiveTests.as_view()),
    path("live-tests/<str:public_id>", production.LiveTestView.as_view()),
    path("live-tests/<str:public_id>/end", production.LiveTestEnd.as_view()),
    path("production/<str:name>/quality", production.ProductionQuality.as_view()),
]
