"""Addresses of our static files; each carries a digest of the file, so that a browser keeps no old one."""

import hashlib
from functools import cache
from pathlib import Path

from django.contrib.staticfiles import finders
from django.templatetags.static import static


@cache
def asset_url(path: str) -> str:
    """`pages/style.css` → `/static/pages/style.css?v=…`. Raises FileNotFoundError."""
    found = finders.find(path)
    if not isinstance(found, str):
        raise FileNotFoundError(f"no static file {path!r}")
    digest = hashlib.sha256(Path(found).read_bytes()).hexdigest()[:12]
    return f"{static(path)}?v={digest}"
