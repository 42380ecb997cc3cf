"""Instances and their consoles as OpenStack's dashboard shows them: a Django page over Nova's API.

OS_CLOUD=mine gunicorn horizon_page:app

Nothing in it is vncproxy's. The cloud's entry in clouds.yaml has the proxy as its compute service,
``compute_endpoint_override: http://127.0.0.1:6082/v2.1``, and the proxy's configuration lets the
dashboard frame its consoles: ``[public] allowed_origins``.
"""

import secrets
from typing import Any

import openstack
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template import engines
from django.urls import path

TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates"}]
PAGE = """<!doctype html><html lang="en"><title>Instances - OpenStack Dashboard</title><style>
body { font: 14px sans-serif; margin: 0 } header { background: #242424; color: #fff; padding: 1em }
main { padding: 1em 2em } td, th { padding: .5em 2em .5em 0; text-align: left }
.tabs b { border-bottom: 3px solid #428bca } iframe { width: 100%; height: 600px; border: 0 }
</style><header>openstack.</header><main>{% if server %}<h2>{{ server.name }}</h2>
<p class="tabs">Overview &emsp; Log &emsp; <b>Console</b></p>
<p><a href="?only=yes">Click here to show only console</a></p>
<iframe title="Console of {{ server.name }}" src="{{ url }}"
  allow="fullscreen; clipboard-read; clipboard-write; keyboard-map"></iframe>
{% else %}<h2>Instances</h2><table><tr><th>Instance Name<th>Status{% for each in servers %}
<tr><td><a href="/instances/{{ each.id }}/">{{ each.name }}</a><td>{{ each.status }}{% endfor %}
</table>{% endif %}</main>"""


def show_instances(request: HttpRequest) -> HttpResponse:
    """Show all instances."""
    return page(servers=list(cloud.compute.servers()))


def show_console(request: HttpRequest, instance: str) -> HttpResponse:
    """Show the console of an instance, in the tab of that name or alone, by a link of its own."""
    server = cloud.compute.find_server(instance)
    if server is None:
        raise Http404
    url = cloud.compute.create_console(server, "novnc")["url"]
    return redirect(url) if "only" in request.GET else page(server=server, url=url)


def page(**values: Any) -> HttpResponse:
    """Return the page; its links are secrets, so that no other site is told where they were."""
    text = engines["django"].from_string(PAGE).render(values)
    return HttpResponse(text, headers={"Referrer-Policy": "no-referrer"})


urlpatterns = [path("", show_instances), path("instances/<instance>/", show_console)]
settings.configure(SECRET_KEY=secrets.token_hex(), ROOT_URLCONF=__name__, TEMPLATES=TEMPLATES)
cloud: Any = openstack.connect()
app = get_wsgi_application()
