"""A portal in Flask: the machines of a user, and a page with the console of one.

VNCPROXY_API_KEY=... PORTAL_MACHINES='{"alice": ["kvm/web-01"]}' gunicorn flask_portal:app

The web server in front logs users in and says who they are (REMOTE_USER). The key needs the scope
``issue``. Each link is good once, and may be framed by this portal.
"""

from __future__ import annotations

import json
import os

from flask import Flask, abort, render_template_string, request

from vncproxy.client import ApiError, Client, Refused

MACHINES: dict[str, list[str]] = json.loads(os.environ["PORTAL_MACHINES"])
API = os.environ.get("VNCPROXY_API", "http://127.0.0.1:6082")
PAGE = """<!doctype html><html lang="en"><title>Portal</title>
<style>body { font: 16px sans-serif; margin: 2em } iframe { width: 100%; height: 600px; border: 0 }
</style><h1>Machines of {{ user }}</h1>
<ul>{% for each in machines %}<li><a href="/console/{{ each }}">{{ each }}</a></li>{% endfor %}</ul>
{% if url %}<iframe title="Console of {{ machine }}" src="{{ url }}" referrerpolicy="no-referrer"
  allow="fullscreen; clipboard-read; clipboard-write; keyboard-map"
  sandbox="allow-scripts allow-same-origin"></iframe>{% endif %}"""

app = Flask(__name__)
proxy = Client(API, os.environ["VNCPROXY_API_KEY"])


@app.get("/")
def show_machines() -> str:
    """Show the machines of the user."""
    return page()


@app.get("/console/<path:machine>")
def show_console(machine: str) -> str:
    """Show a machine's console, if it is the user's."""
    if machine not in MACHINES.get(request.remote_user or "", ()):
        abort(404)
    origin = request.host_url.rstrip("/")
    try:
        issued = proxy.issue_token(
            machine, request.remote_user or "", policy={"allowed_origins": [origin]}, check=True
        )
    except Refused as e:
        abort(404 if e.code == "vm-not-found" else 502, str(e))
    except ApiError as e:
        abort(503, str(e))
    return page(machine=machine, url=issued["url"])


def page(**values: str) -> str:
    """Return the page, with a console or without."""
    user = request.remote_user or ""
    return render_template_string(PAGE, user=user, machines=MACHINES.get(user, ()), **values)
