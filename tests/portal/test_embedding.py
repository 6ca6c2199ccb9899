"""The example of docs/how-to/embed-the-portal.md is run as it stands there."""

import re
import runpy
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from core.accounts import create_account
from core.api_keys import create_api_key
from core.key_scopes import KeyKind

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_shows_the_file() -> None:
    shown = re.search(
        r"(?s)<!-- file: (\S+) -->\n```python\n(.*?)```",
        (DOCS / "how-to" / "embed-the-portal.md").read_text(),
    )
    assert shown is not None
    assert (DOCS.parent / shown[1]).read_text() == shown[2]


@pytest.mark.django_db(transaction=True)
def test_the_example_shows_the_portal_in_a_frame(
    live_server: Any, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.PUBLIC_URL = live_server.url
    account = create_account(name="Embedded shop")
    key = create_api_key(
        account=account, name="k", kind=KeyKind.RESTRICTED, scopes={"portal_sessions": "write"}
    )
    monkeypatch.setenv("MINISTRIPE_URL", live_server.url)
    monkeypatch.setenv("MINISTRIPE_KEY", key)
    example = runpy.run_path(str(DOCS / "examples" / "portal" / "embed.py"))
    page = example["app"].test_client().get("/webhooks").get_data(as_text=True)
    framed = re.search(r'<iframe src="([^"]+)"', page)
    assert framed is not None
    with urlopen(framed[1]) as answer:
        assert answer.headers["Content-Security-Policy"].endswith("frame-ancestors http://localhost:3000")
        assert "X-Frame-Options" not in answer.headers
        assert "Embedded shop" in answer.read().decode()
