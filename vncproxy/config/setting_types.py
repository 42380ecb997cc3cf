"""The types of single settings: each refuses values that cannot work, and names allowed ones."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, PlainValidator, ValidationInfo
from pydantic_core import PydanticCustomError

from ..errors import ConfigurationError
from ..model import UnixTime, VMAddress
from ..text import has_control
from .listeners import endpoint_error
from .own_addresses import with_own_addresses
from .secret import ERROR_TYPE as SECRET
from .urls import (
    check_base_url,
    check_page_url,
    check_peer_url,
    check_service_url,
    check_viewer_url,
    normal_origin_pattern,
)

ALL_BACKENDS: Final = "*"
"""Stands for every backend in the ``backends`` of an API key."""

_PEER_ADDRESS: Final = re.compile(
    r"(?P<host>\[[^\[\]]+\]|[^:\s]+)(:[1-9]\d{0,4}(-[1-9]\d{0,4})?)?", re.ASCII
)

_HOST_PORT: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):(?P<port>\d{1,5})", re.ASCII)

_HASH: Final = re.compile(r"sha256:[0-9a-fA-F]{64}")


@dataclass(slots=True)
class Reading:
    """What validators know of the whole document, as pydantic's context.

    Attributes:
        backend_settings: finds the settings model of a type of backend, or raises
            ``ConfigurationError``.
        backends: the names of all ``[backends.NAME]`` and ``[zones.NAME]`` tables, well formed or
            not.
        source_settings: finds the settings model of a type of token source, likewise.
        zone_settings: the settings model of a zone.
        instances: the number of processes that share the tokens; 1 where it could not be read.
        supervised: whether there are workers.
        hashes: the hashes of the API keys read so far.
    """

    backend_settings: Callable[[str], type[BaseModel]]
    backends: frozenset[str]
    source_settings: Callable[[str], type[BaseModel]]
    zone_settings: type[BaseModel] | None = None
    instances: int = 1
    supervised: bool = False
    hashes: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class BackendTable:
    """A ``[backends.NAME]`` or ``[token_sources.NAME]``: its ``type``, and its other keys."""

    kind: str
    settings: BaseModel


def wrong_key(key: str, text: str) -> PydanticCustomError:
    """Return an error about one key of a table that is validated as a whole."""
    return PydanticCustomError("wrong_key", "{text}", {"key": key, "text": text})


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Return ``; did you mean X?`` for a name similar to one of ``names``, else nothing."""
    near = difflib.get_close_matches(name, sorted(names), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _endpoint(text: str) -> str:
    if error := endpoint_error(text):
        raise ValueError(error)
    return text


def _host_port(text: str) -> str:
    match = _HOST_PORT.fullmatch(text)
    if text and not (match and 0 < int(match["port"]) < 65536):
        raise ValueError("must be a host with its port, as in console.example.com:5900")
    return text


def _network(text: Any) -> IPv4Network | IPv6Network:
    if isinstance(text, IPv4Network | IPv6Network):
        return text
    try:
        return ip_network(str(text))
    except ValueError:
        raise ValueError("must be an IP network as in 10.0.0.0/8, or an address") from None


def check_name(text: str) -> str:
    """Return a name of a backend, a token source or a zone.

    Raises:
        ValueError: it is none.
    """
    try:
        well_formed = VMAddress.parse(f"{text}/vm").backend == text
    except ValueError:
        well_formed = False
    if not well_formed:
        raise ValueError("a name has letters, digits, '_', '.' and '-', and not more than 64")
    return text


def _peer_address(text: str) -> str:
    if text:
        found = _PEER_ADDRESS.fullmatch(text)
        try:
            ip_address(found["host"].strip("[]") if found else "")
        except ValueError:
            raise ValueError(
                "must be an address of this machine, or one with ports as in 192.0.2.11:7100-7199"
            ) from None
    return text


def _plain_text(text: str) -> str:
    if has_control(text):
        raise ValueError("must hold no control characters, and none that turn text around")
    return text


def _key_hash(text: str, info: ValidationInfo) -> str:
    if not _HASH.fullmatch(text):
        raise PydanticCustomError(SECRET, 'must be "sha256:" and 64 hexadecimal digits')
    text = text.lower()
    if isinstance(info.context, Reading):
        if text in info.context.hashes:
            raise PydanticCustomError(SECRET, "is the hash of another key too; keys must differ")
        info.context.hashes.add(text)
    return text


def _key_hashes(value: Any, info: ValidationInfo) -> tuple[str, ...]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list | tuple) or not 1 <= len(texts) <= 2:
        raise PydanticCustomError(SECRET, "must be a hash, or a list of two at most")
    return tuple(_key_hash(text if isinstance(text, str) else "", info) for text in texts)


def _moment(value: Any) -> UnixTime | None:
    """Read a date, at whose beginning something ends, or a moment; in UTC unless it says."""
    if value is None or isinstance(value, float):
        return value
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise ValueError("must be a date as in 2027-01-31, or a moment") from None
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()


def _known_backend(name: str, info: ValidationInfo) -> str:
    if isinstance(info.context, Reading) and name not in {ALL_BACKENDS, *info.context.backends}:
        near = did_you_mean(name, info.context.backends)
        raise ValueError(f'must be "*" or the NAME of a [backends.NAME] or [zones.NAME]{near}')
    return name


def _store(store: str, info: ValidationInfo) -> str:
    instances = info.context.instances if isinstance(info.context, Reading) else 1
    if store == "memory" and instances > 1:
        raise ValueError(
            f"[proxy] instances is {instances}, and a token in the memory of one process is unknown"
            ' to the others; "redis" shares them'
        )
    if store == "memory" and isinstance(info.context, Reading) and info.context.supervised:
        raise ValueError(
            "[proxy] workers or supervisor is set, and a token in the memory of one worker is "
            'unknown to the others; "redis" shares them'
        )
    return store


def _workers(value: Any) -> int | str:
    if value == "auto" or (type(value) is int and value >= 1):
        return int(value) if value != "auto" else "auto"
    raise ValueError('must be a whole number from 1, or "auto"')


def _serves(value: Any) -> tuple[str, ...] | str:
    if isinstance(value, str) and value in ("all", "auto"):
        return value
    given = value if isinstance(value, list | tuple) else ("",)
    if all(isinstance(name, str) and name.strip() and not has_control(name) for name in given):
        return tuple(given)
    raise ValueError('must be "all", "auto", or a list of names of hosts or clusters')


def _backend_table(table: Any, info: ValidationInfo) -> BackendTable:
    return _typed_table(table, "a type of backend", info, lambda reading: reading.backend_settings)


def _source_table(table: Any, info: ValidationInfo) -> BackendTable:
    return _typed_table(
        table, "a type of token source", info, lambda reading: reading.source_settings
    )


def _zone_table(table: Any, info: ValidationInfo) -> BackendTable:
    if isinstance(table, BackendTable):
        return table
    reading = info.context
    if not isinstance(table, dict) or not isinstance(reading, Reading):
        raise ValueError("must be a table")
    assert reading.zone_settings is not None
    return BackendTable("zone", reading.zone_settings.model_validate(table))


def _typed_table(
    table: Any,
    what: str,
    info: ValidationInfo,
    finder: Callable[[Reading], Callable[[str], type[BaseModel]]],
) -> BackendTable:
    if isinstance(table, BackendTable):
        return table
    if not isinstance(table, dict) or not isinstance(info.context, Reading):
        raise ValueError("must be a table")
    kind = table.get("type")
    if not isinstance(kind, str):
        raise wrong_key("type", f"must be a string that names {what}")
    try:
        model = finder(info.context)(kind)
    except ConfigurationError as error:
        raise wrong_key("type", str(error)) from None
    return BackendTable(
        kind, model.model_validate({key: table[key] for key in table if key != "type"})
    )


PlainText = Annotated[str, AfterValidator(_plain_text)]
PeerAddress = Annotated[str, AfterValidator(_peer_address)]
HostPort = Annotated[str, AfterValidator(with_own_addresses), AfterValidator(_host_port)]
Name = Annotated[str, AfterValidator(check_name)]
Endpoint = Annotated[str, AfterValidator(_endpoint)]
BaseURL = Annotated[str, AfterValidator(with_own_addresses), AfterValidator(check_base_url)]
ViewerURL = Annotated[str, AfterValidator(with_own_addresses), AfterValidator(check_viewer_url)]
AnnouncedURL = Annotated[str, AfterValidator(with_own_addresses), AfterValidator(check_service_url)]
Serves = Annotated[tuple[str, ...] | Literal["all", "auto"], PlainValidator(_serves)]
PeerURL = Annotated[str, AfterValidator(check_peer_url)]
ServiceURL = Annotated[str, AfterValidator(check_service_url)]
PageURL = Annotated[str, AfterValidator(check_page_url)]
Origin = Annotated[str, AfterValidator(normal_origin_pattern)]
Network = Annotated[IPv4Network | IPv6Network, PlainValidator(_network)]
KeyHashes = Annotated[tuple[str, ...], PlainValidator(_key_hashes)]
Moment = Annotated[UnixTime | None, PlainValidator(_moment)]
KnownBackend = Annotated[str, AfterValidator(_known_backend)]
Workers = Annotated[int | Literal["auto"], PlainValidator(_workers)]
Store = Annotated[Literal["memory", "redis"], AfterValidator(_store)]
Backend = Annotated[BackendTable, PlainValidator(_backend_table)]
Zone = Annotated[BackendTable, PlainValidator(_zone_table)]
TokenSource = Annotated[BackendTable, PlainValidator(_source_table)]
