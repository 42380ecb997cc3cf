"""The part of OpenStack Nova's API by which its clients ask for a console's URL.

``nova get-vnc-console``, ``openstack console url show`` and openstacksdk find here what they find
at a real Nova. In reading order:

- `faults`: errors in Nova's shape, by its names.
- `microversions`: which version of the API a request asks for.
- `versions`: the documents by which clients discover the API.
- `options`: what is configured.
- `callers`: from ``X-Auth-Token`` to a caller; callers without credentials on loopback.
- `policies`: what users of Keystone may do, and with which machines.
- `keystone_callers`: from a token of Keystone to a caller.
- `owners`: which machines a caller may use.
- `servers`: machines of all backends as servers, found by id.
- `bodies`: the JSON of requests.
- `consoles`: URLs of consoles.
- `auth_tokens`: where the console of a token is, for other console proxies.
- `routes`: which path leads where.
"""
