"""A page of yours that shows the portal: Flask, and one request to the API for each view."""

import os

import requests
from flask import Flask, render_template_string

API = os.environ.get("MINISTRIPE_URL", "http://127.0.0.1:8000")
KEY = os.environ["MINISTRIPE_KEY"]  # rk_test_… with portal_sessions=write is enough
ORIGIN = os.environ.get("SHOP_ORIGIN", "http://localhost:3000")  # of this page, as browsers name it

app = Flask(__name__)

PAGE = """
<!doctype html>
<title>Webhooks</title>
<iframe src="{{ url }}" title="Webhooks" width="100%" height="900" allow="clipboard-write"
        referrerpolicy="no-referrer"></iframe>
"""


@app.get("/webhooks")
def webhooks() -> str:
    # Here you have checked who is logged in, and that they may manage webhooks.
    answer = requests.post(
        f"{API}/v1/portal_sessions",
        auth=(KEY, ""),
        json={"expires_in": 1800, "allowed_origins": [ORIGIN]},
        timeout=10,
    )
    answer.raise_for_status()
    return render_template_string(PAGE, url=answer.json()["url"])
