"""The ways in which callers of Nova's API are identified, made from the settings."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from ..api.authentication import IAuthenticator
from ..api.caller import Caller
from ..api.keys import ApiKeys
from ..api.nova.callers import AuthTokenKeys, LoopbackCallers
from ..api.nova.keystone_callers import KeystoneCallers
from ..api.nova.policies import KeystonePolicy
from ..config.nova import NovaPolicy
from ..config.settings import Settings
from ..openstack.keystone import Keystone
from ..openstack.recent import RecentTokens


def nova_authenticators(
    settings: Settings, keys: ApiKeys, keystone: Keystone | None
) -> Sequence[IAuthenticator]:
    """Return the authenticators that ``[nova] authentication`` names.

    A key is looked for before Keystone is asked, so that no key is sent to it.
    """
    ways: dict[str, Callable[[], IAuthenticator]] = {
        "keys": lambda: AuthTokenKeys(keys),
        "keystone": lambda: _keystone_callers(settings, keystone),
        "none": LoopbackCallers,
    }
    return [make() for way, make in ways.items() if way in settings.nova.authentication]


def _keystone_callers(settings: Settings, keystone: Keystone | None) -> KeystoneCallers:
    table = settings.keystone
    assert keystone is not None and table is not None
    tokens = RecentTokens(keystone.look_up, table.cache, time.monotonic, time.time)
    policies = [_policy(number, each) for number, each in enumerate(settings.nova.policies, 1)]
    return KeystoneCallers(tokens, policies, table.uri_for_clients)


def _policy(number: int, table: NovaPolicy) -> KeystonePolicy:
    return KeystonePolicy(
        frozenset(table.projects),
        frozenset(role.lower() for role in table.roles),
        Caller.of(f"policy {number}", table),
        frozenset(table.tags),
        own=table.owner == "project",
    )
