"""Links: connections that a zone makes to another one which cannot dial it.

A zone behind NAT (``dial = "us"`` in its table) keeps links to the other one (``dial = "them"``).
Over a link it is asked for tunnels, each for one connection: it dials the other zone once more, and
answers HTTP there as if it had been dialled. In reading order:

- `messages`: the lines of a link.
- `control`: one link, at both of its ends.
- `upgrade`: an HTTP request after which the connection carries something else, as its client.
- `dialled`: the zone that is dialled, and the connections to it.
- `tunnels`: makes tunnels, at the end that dials.
- `dialler`: keeps links to a zone, with back-off.
- `zones`: what the configuration says about zones with links.
- `rendezvous`: tunnels that this process waits for.
- `held`: the links that other zones keep to this process.
- `neighbours`: other processes of this zone, as far as links need them.
- `port`: where other processes pass on tunnels that reached them.
- `entrance`: the HTTP resource where links and tunnels arrive.
- `doors`: admits them.
- `opening`: from a wish for a connection to a tunnel.
- `report`: what ``check-config`` says about links.
- `links`: everything of one process, renewed by a reload.
"""
