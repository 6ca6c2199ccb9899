"""Django's settings for the bare view: the product's database and its connection options, and nothing around."""

from core import settings as product

SECRET_KEY = product.SECRET_KEY
DATABASES = product.DATABASES
ALLOWED_HOSTS = product.ALLOWED_HOSTS
USE_TZ = True
ROOT_URLCONF = "bench.bare_view"
INSTALLED_APPS = ["outbox", "core"]
MIDDLEWARE: list[str] = []
DEFAULT_AUTO_FIELD = product.DEFAULT_AUTO_FIELD
