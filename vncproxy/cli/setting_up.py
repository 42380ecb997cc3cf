"""``vncproxy setup``: the configuration of a machine, written and put in force."""

from __future__ import annotations

import grp
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import click

from ..addresses import bracketed, check_host, is_own
from ..config.own_addresses import interface_address, own_interfaces
from ..config.urls import normal_origin_pattern
from . import systemd_unit
from .failures import Misconfigured, Refused
from .kvm_host import KVMHost, configuration, table_for_issuer
from .local import print_findings
from .self_signed import is_for, self_signed
from .written_files import WrittenFile, write_file

COMMAND: Final = "vncproxy setup kvm"
UNIT: Final = Path("/etc/systemd/system") / systemd_unit.NAME
_ROUTES: Final = Path("/proc/self/net/route")
_FILE: Any = click.Path(exists=True, dir_okay=False, resolve_path=True, path_type=Path)


@click.group()
def setup() -> None:
    """Set this machine up, without a file to edit."""


@setup.command(
    short_help="Set up a proxy for the machines of this KVM host.",
    epilog="""\b
Examples:
  vncproxy setup kvm --redis 10.1.0.9
  vncproxy setup kvm --interface eth1 --public 203.0.113.2 --redis 10.1.0.9
  vncproxy setup kvm --certificate node1.pem --key node1.key
  vncproxy setup kvm --issuer https://console.example.com:6082 --issuer-key issuer.key

\b
With --redis, the proxies of all hosts and the issuer share their tokens. Without it, this command
prints a key and a table [peers.NAME] for the issuer, which then asks this host for each link.
""",
)
@click.option(
    "--interface",
    metavar="NAME",
    help="The network interface whose address users reach.  [default: that of the default route]",
)
@click.option(
    "--address", metavar="HOST", help="A fixed name or address instead of an interface's."
)
@click.option(
    "--public",
    metavar="HOST",
    default="",
    help="The name or address of this host outside of an address translation (1:1 NAT).",
)
@click.option("--certificate", type=_FILE, help="PEM file, for https towards browsers.")
@click.option("--key", type=_FILE, help="PEM file of the certificate's key.")
@click.option(
    "--allowed-origin",
    "origins",
    multiple=True,
    metavar="ORIGIN",
    help="A portal that shows consoles in frames; repeatable.",
)
@click.option("--redis", metavar="HOST[:PORT]", help="The Redis that all proxies share.")
@click.option("--redis-password", type=_FILE, help="File with its password in the first line.")
@click.option(
    "--issuer",
    metavar="URL",
    default="",
    help="The API of the issuer, without a common Redis: asked for machines that have moved.",
)
@click.option("--issuer-key", type=_FILE, help="File with a key for it, scope issue.")
@click.option("--issuer-ca", type=_FILE, help="PEM file of the authorities to trust for it.")
@click.option(
    "--backend", default="kvm", show_default=True, help="Name of the backend, as in kvm/web-01."
)
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("/etc/vncproxy/vncproxy.toml"),
    show_default=True,
    help="The file to write.",
)
@click.option(
    "--force", is_flag=True, help="Replace files that were edited, and keep them as .bak."
)
@click.option("--no-service", is_flag=True, help="Leave systemd alone.")
@click.option("--dry-run", is_flag=True, help="Print what would be written, and change nothing.")
def kvm(**options: Any) -> None:
    """Set up a proxy for the machines of this KVM host.

    Writes a configuration for the libvirt of this machine, announces its address, and starts the
    proxy by systemd, now and with the machine. Nothing that was edited is replaced without --force.
    A second run changes what its options say.
    """
    _check(options)
    config: Path = options["config"].absolute()
    with_systemd = systemd_unit.has_systemd() and not options["no_service"]
    plan = _Plan(options, config, with_systemd)
    if options["dry_run"]:
        click.echo(configuration(plan.host), nl=False)
        return
    files = [WrittenFile(config, COMMAND), *([WrittenFile(UNIT, COMMAND)] if with_systemd else [])]
    for file in () if options["force"] else files:
        file.check()
    plan.write_key()
    click.echo(f"{config}: {files[0].write(configuration(plan.host))}")
    if with_systemd:
        unit = systemd_unit.unit_text(config, plan.credentials, _group())
        click.echo(f"{UNIT}: {files[1].write(unit)}")
    is_well = True
    if not plan.credentials:  # those are there for the service only, which checks them itself
        click.echo()
        is_well = print_findings(config)
    if with_systemd:
        systemd_unit.enable()
        click.echo("\nThe proxy runs: systemctl status vncproxy")
    else:
        click.echo(f"\nTo start it: twistd --nodaemon vncproxy --config {config}")
    for line in plan.advice():
        click.echo(line)
    if not is_well:
        raise Refused("it is set up, and something fails: see above")


class _Plan:
    """What is to be written, by the options of the command."""

    def __init__(self, options: dict[str, Any], config: Path, with_systemd: bool) -> None:
        self.credentials: dict[str, Path] = {}
        self._with_systemd = with_systemd
        self._folder = config.parent
        self._secret = ""
        certificate = self._given("web.pem", options["certificate"])
        key = self._given("web.key", options["key"])
        self.host = KVMHost(
            address=_address(options),
            announced=_host(options["public"]),
            backend=options["backend"],
            certificate=(certificate, key) if certificate and key else None,
            origins=tuple(map(normal_origin_pattern, options["origins"])),
            redis=_redis(options["redis"]),
            redis_password=self._given("redis", options["redis_password"]),
            issuer=options["issuer"],
            issuer_key=self._given("issuer.key", options["issuer_key"]),
            issuer_ca=self._given("issuer.pem", options["issuer_ca"]),
        )
        if self.host.redis is None:
            self._add_api(config)

    def _given(self, name: str, path: Path | None) -> Path | None:
        """Return where the proxy finds a file that may be readable for root alone."""
        if path is None or not self._with_systemd:
            return path
        self.credentials[name] = path
        return systemd_unit.CREDENTIALS / name

    def _add_api(self, config: Path) -> None:
        """Let an issuer ask this host: a certificate for the API, and a key for the issuer."""
        self._certificate, key = self._folder / "api.pem", self._folder / "api.key"
        self._key_file, self._kept = key, self._folder / "issuer.hash"
        usable = self._given("api.key", key) or key
        self.host = replace(self.host, api_certificate=(self._certificate, usable))
        if self._kept.exists():
            self.host = replace(self.host, key_hash=self._kept.read_text().strip())
        else:
            from ..api.keys import new_api_key

            self._secret, digest = new_api_key()
            self.host = replace(self.host, key_hash=digest)

    def write_key(self) -> None:
        """Write the certificate of the API and the hash of the issuer's key, unless they exist.

        A new key is shown before its hash is kept, so that nothing that fails later loses it.
        """
        if self.host.redis is not None:
            return
        if not self._key_file.exists() or not is_for(self._certificate, self._names()):
            certificate, key = self_signed(*self._names())
            write_file(self._certificate, certificate, 0o644)
            write_file(self._key_file, key, 0o600)
            click.echo(f"{self._certificate}: written, for {', '.join(self._names())}")
        if self._secret:
            click.echo(f"The issuer's key, which is shown only now:\n{self._secret}\n")
            write_file(self._kept, f"{self.host.key_hash}\n", 0o644)

    def _names(self) -> list[str]:
        """Return the names by which the API is asked."""
        names = (self.host.announced, self._address(), socket.gethostname())
        return [name.strip("[]") for name in dict.fromkeys(names) if name]

    def _address(self) -> str:
        """Return where the issuer reaches this host without an address translation, for a URL."""
        address = self.host.address
        if address.startswith("{address:"):
            address = interface_address(address.removeprefix("{address:").removesuffix("}"))
        return bracketed(address.strip("[]"))

    def advice(self) -> Iterator[str]:
        """Yield what is left to do, and how to test the host."""
        name, backend = socket.gethostname(), self.host.backend
        if self.host.redis is not None:
            yield f"Links for machines of {name} lead here now: vncproxy proxies, at the issuer."
            yield f"To test it, there: vncproxy token issue {backend}/MACHINE"
            return
        yield "\nFor the configuration of the issuer:\n"
        host = replace(self.host, address=self._address())
        yield table_for_issuer(host, name, f"/etc/vncproxy/{name}.key", f"/etc/vncproxy/{name}.pem")
        key = "the key above." if self._secret else "the key that the first run has shown."
        yield f"\nThere, {name}.pem is this host's {self._certificate}, and {name}.key holds {key}"
        if not self._secret:
            yield f"For a new key, remove {self._kept} and run this command again."
        yield f"\nTo test it, here: VNCPROXY_API_KEY=… vncproxy token issue {backend}/MACHINE"


def _check(options: dict[str, Any]) -> None:
    """Refuse options that contradict each other.

    Raises:
        Misconfigured: they do.
    """
    for one, other in (
        ("interface", "address"),
        ("redis", "issuer"),
    ):
        if options[one] and options[other]:
            raise Misconfigured(f"--{one} and --{other} exclude each other")
    for one, other in (
        ("certificate", "key"),
        ("key", "certificate"),
        ("redis_password", "redis"),
        ("issuer", "issuer_key"),
        ("issuer_key", "issuer"),
        ("issuer_ca", "issuer"),
    ):
        if options[one] and not options[other]:
            raise Misconfigured(f"--{one} needs --{other}".replace("_", "-"))


def _address(options: dict[str, Any]) -> str:
    """Return the host in URLs: a fixed one, or a placeholder for an interface's address.

    Raises:
        Misconfigured: there is no such interface, or it has no address, or none is the obvious one.
    """
    if options["address"]:
        return _host(options["address"])
    name = options["interface"] or _default_interface()
    if name and interface_address(name):
        return f"{{address:{name}}}"
    found = {each: interface_address(each) for each in own_interfaces()}
    choice = ", ".join(f"{each} ({address})" for each, address in found.items() if address)
    problem = f"{name} has no address" if name else "there is no default route"
    raise Misconfigured(f"{problem}; choose the address with --interface: {choice}")


def _default_interface() -> str:
    """Return the interface of the default route, or else the only one with an address."""
    for line in _ROUTES.read_text().splitlines()[1:]:
        interface, destination, *_ = line.split()
        if destination == "00000000":
            return interface
    found = [each for each in own_interfaces() if each != "lo" and interface_address(each)]
    return found[0] if len(found) == 1 else ""


def _host(text: str) -> str:
    """Return a name or address as it stands in a URL.

    Raises:
        Misconfigured: it is none, or leads users to their own machine.
    """
    try:
        host = text and check_host(text.strip("[]"))
    except ValueError as e:
        raise Misconfigured(f"{text!r} {e}") from e
    if host and is_own(host):
        raise Misconfigured(f"{text} leads users to their own machine")
    return bracketed(host)


def _redis(text: str | None) -> tuple[str, int] | None:
    if not text:
        return None
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]") or (":" in host and not host.startswith("[")):
        return text.strip("[]"), 6379
    if not (port.isascii() and port.isdecimal()):
        raise Misconfigured(f"--redis: {port!r} is no port")
    return host.strip("[]"), int(port)


def _group() -> str:
    """Return the group whose members may speak with libvirt; empty where there is none."""
    try:
        return grp.getgrnam("libvirt").gr_name
    except KeyError:
        return ""
