"""Which proxy shows a machine's console, where proxies serve the machines of some hosts only.

In reading order:

- `candidates`: proxies as they announce themselves, and which of them is the nearest.
- `sighting`: where a machine is now.
- `peer`: a proxy with tokens of its own, asked by its API.
- `issued_elsewhere`, `store`: tokens that peers have issued, shown and revoked by our API.
- `directory`: from a machine to the proxies, for links and for consoles that are elsewhere now.
- `following`: sends a user on whose machine has moved since the link was issued.
"""
