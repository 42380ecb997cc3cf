"""How much is kept of logins, and how long texts of a provider may be."""

from __future__ import annotations

from typing import Final

MOST_LOGINS: Final = 10_000
"""Logins that one process keeps in memory; the oldest end for new ones."""

LOGINS_OF_A_USER: Final = 50
"""Logins that a user has at the same time."""

ATTEMPT_TIME: Final = 600.0
"""Seconds that a user may take to log in at the provider."""

LEEWAY: Final = 60
"""Seconds by which the provider's clock may differ from ours."""

LONGEST_TOKEN: Final = 32_768
"""Characters of an id token."""

LONGEST_CODE: Final = 4096
"""Characters of a code, and of any other parameter of the provider's answer."""

MOST_PARAMETERS: Final = 50
"""Parameters of the provider's answer."""

LONGEST_TEXT: Final = 256
"""Characters of a user or of a group."""

MOST_GROUPS: Final = 1000
"""Groups of a user; with more, none of them is believed."""

METADATA_KEPT: Final = 3600.0
"""Seconds for which the provider's description and keys are used."""

KEYS_AGAIN_AFTER: Final = 10.0
"""Seconds between two readings of the provider's keys that a token asks for."""
