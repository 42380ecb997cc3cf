"""The keys of tokens in Redis, a public contract."""

from __future__ import annotations

from dataclasses import dataclass

from ..model import Token, VMAddress


@dataclass(frozen=True, slots=True)
class RedisKeys:
    """The names of keys.

    Attributes:
        prefix: what all of them begin with.
    """

    prefix: str

    @property
    def tokens(self) -> str:
        """What the key of a record begins with, before the token's id."""
        return f"{self.prefix}token:"

    @property
    def states(self) -> str:
        """What the key of a token's state begins with, before the token's id."""
        return f"{self.prefix}state:"

    def state(self, token_id: str) -> str:
        """Return the key of what happened to a token."""
        return self.states + token_id

    def of_token(self, token_id: str) -> list[str]:
        """Return the keys of a token's record and state."""
        return [self.tokens + token_id, self.state(token_id)]

    def with_indexes(self, token_id: str, token: Token) -> list[str]:
        """Return the keys of a token, and of the indexes that name it."""
        return [*self.of_token(token_id), self.vm(token.vm), self.user(token.user)]

    def vm(self, vm: VMAddress) -> str:
        """Return the key of the index of a machine's tokens."""
        return f"{self.prefix}vm:{vm}"

    def user(self, user: str) -> str:
        """Return the key of the index of a user's tokens."""
        return f"{self.prefix}user:{user}"

    def revoked_user(self, user: str) -> str:
        """Return the key that says until when signed links for a user are refused."""
        return f"{self.prefix}revoked:user:{user}"

    def revoked_signer(self, signer: str) -> str:
        """Return the key that says that the links of a signer are refused."""
        return f"{self.prefix}revoked:signer:{signer}"

    def once(self, key: str) -> str:
        """Return the key that notes that something was done."""
        return f"{self.prefix}once:{key}"

    @property
    def workers(self) -> str:
        """What the key of a process's announcement begins with, before the worker id."""
        return f"{self.prefix}worker:"

    def live(self, place: str) -> str:
        """Return the key of the live sessions at a place."""
        return f"{self.prefix}live:{place}"

    def exclusive(self, vm: VMAddress) -> str:
        """Return the key of the session that has a machine to itself."""
        return f"{self.prefix}exclusive:{vm}"

    def probe(self) -> list[str]:
        """Return keys to try commands on: for a text, a hash, a sorted set, a set and a stream."""
        kinds = ("text", "hash", "set", "members", "stream")
        return [f"{self.prefix}probe:{kind}" for kind in kinds]

    def channels(self) -> tuple[str, str]:
        """Return the channel of the cluster's orders, and one of its answers that is not used."""
        return f"{self.prefix}orders", f"{self.prefix}acks:probe"
