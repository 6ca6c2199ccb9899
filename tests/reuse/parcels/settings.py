"""A project that has nothing to do with payments. libpq takes the server from PGHOST, PGUSER and the like."""

import os

SECRET_KEY = os.environ["SECRET_KEY"]
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": os.environ["PGDATABASE"]}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["parcels"]
INSTALLED_APPS += ["outbox"]
INSTALLED_APPS += ["dispatcher"]
