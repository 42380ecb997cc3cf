"""Machines and their consoles as OpenNebula's Sunstone shows them: a Flask page over OpenNebula.

VNCPROXY_API=http://127.0.0.1:6082 VNCPROXY_API_KEY=... gunicorn sunstone_page:app

Users log in with their name and password of OpenNebula, which decides what each may use. The proxy
has a ``[backends.one]`` of type ``opennebula``; the key needs the scope ``issue`` for it alone.
"""

import os

import pyone
from flask import Flask, Response, render_template_string, request

from vncproxy.client import ApiError, Client

ONED = os.environ.get("ONE_XMLRPC", "http://localhost:2633/RPC2")
PAGE = """<!doctype html><html lang="en"><title>OpenNebula Sunstone</title><style>
header { background: #0098c3; color: #fff; padding: 1em } h3, table { margin: 1em }
body { font: 14px sans-serif; margin: 0 } iframe { width: 100%; height: 600px; border: 0 }
</style><header>Sunstone &emsp; {{ user }}</header>{% if url %}<h3>VNC: {{ name }}</h3>
<iframe title="Console of {{ name }}" src="{{ url }}" referrerpolicy="no-referrer"
  allow="fullscreen; clipboard-read; clipboard-write; keyboard-map"></iframe>
{% else %}<h3>VMs</h3><table>{% for vm in machines %}<tr><td>{{ vm.ID }}<td>{{ vm.NAME }}
<td><a href="/vnc/one-{{ vm.ID }}">one-{{ vm.ID }}</a>{% endfor %}</table>{% endif %}"""

app = Flask(__name__)
proxy = Client(os.environ["VNCPROXY_API"], os.environ["VNCPROXY_API_KEY"])


@app.errorhandler(pyone.OneException)
@app.errorhandler(ApiError)
def refuse(error: Exception) -> Response:
    """Ask for a login that OpenNebula takes, or tell why it or the proxy refuses."""
    status = 401 if isinstance(error, pyone.OneAuthenticationException) else 403
    return Response(str(error), status, {"WWW-Authenticate": 'Basic realm="OpenNebula"'})


@app.get("/")
def show_machines() -> str:
    """Show the machines that the user can see."""
    one, user = login()
    return render_template_string(PAGE, user=user, machines=one.vmpool.info(-2, -1, -1, -1).VM)


@app.get("/vnc/one-<int:number>")
def show_console(number: int) -> str:
    """Show the console of a machine, if OpenNebula lets the user use it."""
    one, user = login()
    one.vm.info(number)
    origin = request.host_url.rstrip("/")
    issued = proxy.issue_token(f"one/{number}", user, policy={"allowed_origins": [origin]})
    return render_template_string(PAGE, user=user, name=f"one-{number}", url=issued["url"])


def login() -> tuple[pyone.OneServer, str]:
    """Return OpenNebula as the user may use it, and the user's name there."""
    given = request.authorization
    one = pyone.OneServer(ONED, f"{given.username}:{given.password}" if given else ":")
    return one, one.user.info(-1).NAME
