"""The whole URL space is the API's."""

from django.urls import include, path

urlpatterns = [path("", include("api.urls"))]
