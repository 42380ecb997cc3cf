"""What zones say to each other: signed requests, the same on both sides.

- `keys`: private and public keys, as one line of text each.
- `request`: requests: signed by the zone that asks, verified by the zone that is asked.
- `receiving`: a request that has come: verified, and good once.
"""
