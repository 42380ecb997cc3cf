"""Runs OpenStack's real clients and checks; with the Python of their own environment.

Reads jobs as JSON from its standard input and prints a list of their results. Each has a process
of its own, since the clients keep their login in their classes; all are copies of one that has
imported the clients, which takes seconds.
"""

from __future__ import annotations

import importlib
import io
import json
import multiprocessing
import os
import sys
import traceback
import unittest
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from types import SimpleNamespace
from typing import Any


def openstack(*words: str) -> dict[str, Any]:
    """Run the command ``openstack``; returns its status and what it printed."""
    from openstackclient.shell import main

    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            status = main(list(words))
        except SystemExit as e:
            status = e.code
    return {"status": status, "out": out.getvalue(), "err": err.getvalue()}


def nova_command(
    auth_url: str, user: str, project: str, server: str, console_type: str
) -> dict[str, Any]:
    """Run the command ``nova get-vnc-console``; returns its status and what it printed."""
    from novaclient.shell import OpenStackComputeShell

    login = f"--os-auth-url {auth_url} --os-username {user} --os-password {user}"
    scope = (
        f"--os-project-name {project} --os-user-domain-id default --os-project-domain-id default"
    )
    words = f"{login} {scope} get-vnc-console {server} {console_type}".split()
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = OpenStackComputeShell().main(words)
    return {"status": status or 0, "out": out.getvalue(), "err": err.getvalue()}


def sdk_login(
    auth_url: str, user: str, project: str, server: str, console_type: str
) -> dict[str, Any]:
    """Return a console as openstacksdk finds it for a user of Keystone."""
    compute = _logged_in(auth_url, user, project)
    console: Any = compute.create_console(
        compute.find_server(server, ignore_missing=False), console_type
    )
    return dict(console)


def sdk_auth_token(auth_url: str, server: str) -> dict[str, Any]:
    """Let alice ask for a link, and the account ``vncproxy`` where its console is."""
    url = sdk_login(auth_url, "alice", "web", server, "xvpvnc")["url"]
    token = url.rpartition("=")[2]
    found = _logged_in(auth_url, "vncproxy", "service").validate_console_auth_token(token)
    return {name: found[name] for name in ("instance_uuid", "host", "port", "tls_port")}


def _logged_in(auth_url: str, user: str, project: str) -> Any:
    """Return openstacksdk's proxy of Nova's API for a user of Keystone."""
    import openstack as library

    return library.connect(
        auth_url=auth_url,
        username=user,
        password=user,
        project_name=project,
        user_domain_id="default",
        project_domain_id="default",
        load_envvars=False,
    ).compute


def sdk(endpoint: str, token: str, server: str, console_type: str) -> dict[str, Any]:
    """Return a console as openstacksdk finds it, by id or name; without a token by ``none``."""
    import openstack as library

    login: dict[str, Any] = {"auth_type": "none"}
    if token:
        login = {"auth_type": "admin_token", "token": token}
    cloud = library.connect(
        endpoint=endpoint, compute_endpoint_override=endpoint, load_envvars=False, **login
    )
    found = cloud.compute.find_server(server, ignore_missing=False)
    console: Any = cloud.compute.create_console(found, console_type)
    return dict(console)


def nova(version: str, endpoint: str, token: str, server: str, console_type: str) -> dict[str, Any]:
    """Return a console as python-novaclient finds it, by id or name as its command does."""
    from keystoneauth1 import session, token_endpoint
    from novaclient import client, utils

    login = session.Session(auth=token_endpoint.Token(endpoint, token))
    compute = client.Client(version, session=login)
    found = utils.find_resource(compute.servers, server)
    console: dict[str, Any] = found.get_vnc_console(console_type)
    return console


def tempest(endpoint: str, token: str, server: str, version: str, name: str) -> str:
    """Run one test of tempest's ``test_novnc.py`` on a server; returns its failure, or nothing."""
    from tempest.api.compute.servers.test_novnc import NoVNCConsoleTestJSON
    from tempest.common.compute import NoVNCValidateMixin
    from tempest.lib.services.compute import base_compute_client
    from tempest.lib.services.compute.servers_client import ServersClient

    base_compute_client.COMPUTE_MICROVERSION = None if version == "2.1" else version

    class OnOurs(NoVNCValidateMixin):  # type: ignore[misc]
        websocket = None
        use_get_remote_console = version != "2.1"
        servers_client = ServersClient(_Login(endpoint, token), "compute", "RegionOne")
        test_novnc = NoVNCConsoleTestJSON.test_novnc
        test_novnc_bad_token = NoVNCConsoleTestJSON.test_novnc_bad_token

    case = OnOurs(name)
    case.server = {"id": server}
    result = unittest.TestResult()
    case.run(result)
    if case.websocket is not None:
        case.websocket.close()
    assert result.testsRun == 1, result
    return "".join(text for _, text in [*result.failures, *result.errors])


class _Login:
    """What tempest's clients need of a login: where the service is, and a token."""

    def __init__(self, endpoint: str, token: str) -> None:
        self._endpoint, self._token = endpoint, token
        self.credentials = SimpleNamespace(user_id="u", tenant_id="t")

    def base_url(self, *_: Any, **__: Any) -> str:
        return self._endpoint

    def auth_request(
        self, method: str, url: str, headers: Any = None, body: Any = None, filters: Any = None
    ) -> tuple[str, Any, Any]:
        return f"{self._endpoint}/{url}", {**(headers or {}), "X-Auth-Token": self._token}, body


JOBS: dict[str, Callable[..., Any]] = {
    "openstack": openstack,
    "sdk": sdk,
    "sdk_login": sdk_login,
    "sdk_auth_token": sdk_auth_token,
    "nova_command": nova_command,
    "nova": nova,
    "tempest": tempest,
}

MODULES = {
    "openstack": "openstackclient.shell",
    "sdk": "openstack",
    "sdk_login": "openstack",
    "sdk_auth_token": "openstack",
    "nova_command": "novaclient.shell",
    "nova": "novaclient.client",
    "tempest": "tempest.api.compute.servers.test_novnc",
}


def run(name: str, arguments: list[str]) -> Any:
    """Run one job; an exception of a client is a result, too."""
    try:
        return JOBS[name](*arguments)
    except Exception as e:  # noqa: BLE001
        return {"raised": type(e).__name__, "message": str(e), "trace": traceback.format_exc()}


if __name__ == "__main__":
    for variable in [each for each in os.environ if each.startswith("OS_")]:
        del os.environ[variable]
    jobs = json.load(sys.stdin)
    for name in {name for name, *_ in jobs}:
        importlib.import_module(MODULES[name])
    with multiprocessing.get_context("fork").Pool(1, maxtasksperchild=1) as pool:
        results = [pool.apply(run, (name, arguments)) for name, *arguments in jobs]
    json.dump(results, sys.stdout)
