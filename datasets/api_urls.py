from django.urls import path

from datasets import api

urlpatterns = [
    path("datasets", api.Datasets.as_view()),
    path("datasets/<slug:slug>/versions", api.Versions.as_view()),
    path("datasets/<slug:slug>/versions/<str:version>", api.VersionView.as_view()),
    path("datasets/<slug:slug>/versions/<str:version>/publish", api.VersionPublish.as_view()),
    path("datasets/<slug:slug>/versions/<str:version>/examples", api.VersionExamples.as_view()),
    path("datasets/<slug:slug>/versions/<str:version>/verify", api.VersionVerify.as_view()),
]
