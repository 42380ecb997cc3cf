"""Consoles of QEMU and KVM machines that libvirt runs: type ``libvirt``.

- `backend`: `LibvirtBackend`, one libvirt, or several among which machines are migrated.
- `settings`: the table of the configuration.
- `cluster`: on which of several hosts a machine runs.
- `hypervisor`: one libvirt, asked in threads within a time limit.
- `connection`: the connection to it, opened again when it is lost.
- `machines`: look-up, inventory and location of domains.
- `power`: starts, stops and resets domains.
- `owners`: whose domains are, for users of Keystone.
- `domain_xml`: the graphics in a domain's XML.
- `console`: how a console is reached: over TCP, a unix socket or a passed socket.
- `states`: the states of a domain in words.
- `errors`: libvirt's errors, with what can be done about them.
- `probe`: consoles that cannot be reached, for ``check-config``.
"""

from .backend import LibvirtBackend

__all__ = ["LibvirtBackend"]
