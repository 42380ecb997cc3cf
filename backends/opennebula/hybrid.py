"""Follows a machine through hybrid hosts, each an OpenNebula of its own, to where it runs.

A host with the driver ``one`` runs its machines in another OpenNebula, under one account there.
The local driver has no consoles, and a machine that is running for it may have another state there.
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

from pydantic import SecretStr

from ...addresses import is_own
from ...errors import BackendError, ConsoleUnavailable, VMNotFound
from ...model import ConsoleElsewhere, ConsoleEndpoint, VMAddress
from .cloud import Cloud
from .connection import PostFunction
from .console import console, placed
from .errors import AccessDenied, LoginRefused, NoSuchObject
from .machines import Machine, Placement
from .settings import RemoteSettings, is_endpoint
from .vcenter import in_vsphere

_LOGIN = "endpoint, user and password"
_NO_LONGER = "The virtual machine was not found where it should run."


def locate(
    cloud: Cloud, end: float, vm: str, max_hops: int, post: PostFunction | None = None
) -> ConsoleEndpoint | ConsoleElsewhere:
    """Find a machine's console, wherever it runs.

    Args:
        end: when to give up, in seconds of the monotonic clock.
        vm: id or name.
        max_hops: how many hybrid hosts may lie on the way.
        post: carries the requests to the clouds behind hybrid hosts.

    Raises:
        VMNotFound, ConsoleUnavailable, BackendError: see ``IConsoleBackend``.
    """
    machine = asked = cloud.find(end, vm)
    trail = [_step(cloud, machine)]
    while machine.is_hybrid:
        placement = placed(machine)
        if len(trail) > max_hops:
            raise BackendError(
                f"more than {max_hops} hybrid hosts, max_hops: {' -> '.join(trail)} -> …"
            )
        cloud, machine = _follow(cloud, end, machine, placement, post)
        trail.append(_step(cloud, machine))
        if trail[-1] in trail[:-1]:
            raise BackendError(f"hybrid hosts lead in a circle: {' -> '.join(trail)}")
        if proxy := _zone_proxy(cloud):
            placed(machine)
            return ConsoleElsewhere(VMAddress(proxy.backend, f"{proxy.vm}/{machine.id}"))
    placement = placed(machine)
    if machine.is_on_vcenter:
        return ConsoleElsewhere(in_vsphere(cloud, end, machine, placement))
    # the user knows the local name only
    return replace(console(machine, placement, cloud.network), name=asked.name)


def describe(cloud: Cloud, end: float, post: PostFunction | None = None) -> str:
    """Return a line about a cloud and about those behind hybrid hosts that have a login here.

    Raises:
        BackendError: one of them does not answer, or refuses the account.
    """
    lines = [cloud.describe(end)]
    for host, settings in cloud.settings.remotes.items():
        if settings.endpoint and settings.user:
            there = remote_cloud(cloud, end, host, -1, post)
            try:
                lines.append(f"behind host {host}: {describe(there, end, post)}")
            except BackendError as e:
                raise BackendError(f"behind host {host}: {e.detail}") from e
    return "; ".join(lines)


def remote_cloud(
    cloud: Cloud, end: float, host: str, host_id: int, post: PostFunction | None = None
) -> Cloud:
    """Return the OpenNebula behind a hybrid host.

    What is not configured is read from the host's template.

    Raises:
        BackendError: its endpoint or its account is not known.
    """
    settings = cloud.settings.remotes.get(host, RemoteSettings())
    if not (settings.endpoint and settings.user):
        template = _template(cloud, end, host, host_id)
        settings = _completed(settings, template, host, cloud.network.is_here)
    assert settings.endpoint is not None
    session = f"{settings.user}:{settings.password.get_secret_value()}"
    return Cloud(settings.endpoint, session, settings, post)


def _zone_proxy(cloud: Cloud) -> VMAddress | None:
    """Return zone and backend of the proxy that shows a cloud's consoles; None for none."""
    settings = cloud.settings
    return settings.zone_proxy if isinstance(settings, RemoteSettings) else None


def _follow(
    cloud: Cloud, end: float, machine: Machine, placement: Placement, post: PostFunction | None
) -> tuple[Cloud, Machine]:
    if machine.remote_id is None:
        raise ConsoleUnavailable(
            "not on any host yet",
            f"VM {machine.id}: DEPLOY_ID {machine.deploy_id!r} is no opennebula-hybrid-<id>",
        )
    there = remote_cloud(cloud, end, placement.host, placement.host_id, post)
    try:
        remote = there.machine(end, machine.remote_id)
    except VMNotFound as e:
        raise VMNotFound(f"VM {machine.id} has lost its half: {e.detail}", public=_NO_LONGER) from e
    except LoginRefused as e:
        raise BackendError(f"{e.detail}; {_remedy(placement.host)}") from e
    _check_partner(machine, remote, there)
    return there, remote


def _check_partner(machine: Machine, remote: Machine, there: Cloud) -> None:
    """Refuse a remote half that does not name this machine.

    The owner can choose the DEPLOY_ID of an imported machine (IMPORT_VM_ID), and the remote half of
    an imported machine does not name the local half.
    """
    if remote.partner_id == str(machine.id):
        return
    hint = ""
    if not remote.partner_id:
        hint = (
            "; if this machine was imported, say over there whose it is: onevm update "
            f'{remote.id} --append, REMOTE_OPENNEBULA_VM_ID = "{machine.id}"'
        )
    raise BackendError(
        f"VM {remote.id} of {there} says that it belongs to VM {remote.partner_id or 'none'}, "
        f"not to VM {machine.id} (REMOTE_OPENNEBULA_VM_ID){hint}"
    )


def _template(cloud: Cloud, end: float, host: str, host_id: int) -> dict[str, str]:
    try:
        found = cloud.front_end.info(end, "host", host_id)
    except AccessDenied as e:
        raise BackendError(
            f"{e.detail}; it needs the right to USE the host, or {_written(host, _LOGIN)}"
        ) from e
    except NoSuchObject as e:
        raise BackendError(f"{e.detail}; {_written(host, _LOGIN)}") from e
    return dict(getattr(found, "TEMPLATE", None) or {})


def _completed(
    settings: RemoteSettings, template: dict[str, str], host: str, is_here: bool
) -> RemoteSettings:
    endpoint = settings.endpoint or template.get("ONE_ENDPOINT") or ""
    if not is_endpoint(endpoint):
        raise BackendError(f"host {host}: ONE_ENDPOINT is no URL; {_written(host, 'endpoint')}")
    if not (settings.endpoint or is_here) and is_own(urlsplit(endpoint).hostname or ""):
        raise BackendError(
            f"host {host}: ONE_ENDPOINT {endpoint} is the front end's own machine, which is not "
            f"this one; {_written(host, 'endpoint')}"
        )
    user, password = template.get("ONE_USER") or "", template.get("ONE_PASSWORD") or ""
    if settings.user:
        user, password = settings.user, settings.password.get_secret_value()
    if not (user and password):
        raise BackendError(f"host {host}: no ONE_USER with ONE_PASSWORD; {_remedy(host)}")
    return settings.model_copy(
        update={"endpoint": endpoint, "user": user, "password": SecretStr(password)}
    )


def _remedy(host: str) -> str:
    hint = "an account outside the group oneadmin is given ONE_PASSWORD encrypted: "
    return hint + _written(host, "user and password")


def _written(host: str, what: str) -> str:
    return f'write in remotes."{host}" its {what}'


def _step(cloud: Cloud, machine: Machine) -> str:
    return f"VM {machine.id} at {cloud.front_end}"
