"""Serves OpenStack's real Keystone; with the Python of the environment of OpenStack's programs.

Its arguments are a folder, which holds the state and may be used again, and a port of 127.0.0.1. It
prints the ids of the cloud's projects and users as one line of JSON, and then serves until it is
terminated. Passwords are the names of their users.
"""

from __future__ import annotations

import json
import logging
import sys
import warnings
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

REGION = "RegionOne"
ROLES = {
    "vncproxy": {"service": "service"},
    "alice": {"web": "member", "db": "member"},
    "bob": {"web": "reader", "db": "member"},
    "carol": {"web": "manager"},
}
"""Users, with their role in each of their projects."""

CONFIGURATION = """
[DEFAULT]
log_file = {folder}/log
[database]
connection = sqlite:///{folder}/db
[token]
provider = fernet
[fernet_tokens]
key_repository = {folder}/keys
[credential]
key_repository = {folder}/keys
[cache]
enabled = true
backend = dogpile.cache.memory
[identity]
password_hash_rounds = 4
"""


def main(folder: Path, port: int) -> None:
    """Serve."""
    is_new = not (folder / "db").exists()
    if is_new:
        _write_files(folder)
    application = _application(folder, port, is_new)
    server = make_server("127.0.0.1", port, application, _Server, _Handler)
    print(json.dumps(_ids()), flush=True)
    server.serve_forever(0.05)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Handler(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Log nothing."""


def _write_files(folder: Path) -> None:
    from cryptography.fernet import Fernet

    (folder / "keystone.conf").write_text(CONFIGURATION.format(folder=folder))
    keys = folder / "keys"
    keys.mkdir(mode=0o700)
    for number in "01":
        (keys / number).write_bytes(Fernet.generate_key())
        (keys / number).chmod(0o600)


def _application(folder: Path, port: int, is_new: bool) -> Any:
    import keystone.server
    from keystone.cmd.bootstrap import Bootstrapper
    from keystone.common.sql.upgrades import offline_sync_database_to_version
    from keystone.server.flask import application, core

    keystone.server.configure(config_files=[str(folder / "keystone.conf")])
    logging.getLogger("alembic").setLevel(logging.WARNING)
    if is_new:
        offline_sync_database_to_version()
    cloud = Bootstrapper()
    if is_new:
        cloud.admin_username = cloud.admin_password = cloud.project_name = "admin"
        cloud.admin_role_name, cloud.service_name, cloud.region_id = "admin", "keystone", REGION
        cloud.public_url = cloud.internal_url = f"http://127.0.0.1:{port}/v3"
        cloud.bootstrap()
        _add_users()
    return core.setup_app_middleware(application.application_factory("public"))


def _add_users() -> None:
    from keystone.common.provider_api import ProviderAPIs as Cloud

    roles = {each["name"]: each["id"] for each in Cloud.role_api.list_roles()}
    for name in sorted({project for each in ROLES.values() for project in each}):
        known = f"project-{name}"
        project = {"id": known, "name": name, "domain_id": "default", "enabled": True}
        Cloud.resource_api.create_project(known, project)
    for name, rights in ROLES.items():
        user = {"name": name, "domain_id": "default", "password": name, "enabled": True}
        made = Cloud.identity_api.create_user(user)
        for where, role in rights.items():
            Cloud.assignment_api.create_grant(
                roles[role], user_id=made["id"], project_id=f"project-{where}"
            )


def _ids() -> dict[str, dict[str, str]]:
    from keystone.common.provider_api import ProviderAPIs as Cloud

    return {
        "projects": {each["name"]: each["id"] for each in Cloud.resource_api.list_projects()},
        "users": {each["name"]: each["id"] for each in Cloud.identity_api.list_users()},
    }


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    where, number = sys.argv[1:]
    del sys.argv[1:]
    main(Path(where), int(number))
