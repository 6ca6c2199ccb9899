"""What pages load: our own files, by addresses that change with them."""

import hashlib
from pathlib import Path

import pytest
from django.test import Client

from api.pages.assets import asset_url

FILES = Path(__file__).parents[2] / "api" / "static" / "pages"
# Of the package htmx.org 2.0.11 on npm: dist/htmx.min.js.
HTMX = "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717"


def test_htmx_is_the_file_of_its_release() -> None:
    assert hashlib.sha256((FILES / "htmx-2.0.11.min.js").read_bytes()).hexdigest() == HTMX


@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(path.name for path in FILES.iterdir()))
def test_each_file_is_served_by_its_address(client: Client, name: str) -> None:
    answer = client.get(asset_url(f"pages/{name}"))
    assert answer.status_code == 200
    served = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    assert served == (FILES / name).read_bytes()
    assert "max-age" in answer["Cache-Control"]


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(FileNotFoundError, match=r"pages/nothing\.css"):
        asset_url("pages/nothing.css")
