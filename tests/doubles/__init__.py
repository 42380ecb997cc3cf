"""What several tests share, in the test's own process.

- `dialogues`: handshakes, fed any pieces of a peer's bytes.
- `frames`, `rfc6455`: frames of browsers and servers.
- `leg_in_memory`: a leg in memory, and handshakes to run over it.
- `loop`, `wire`: a reactor that the test turns, and legs on real sockets.
- `pumps`: pairs of joined legs, and sockets that take little at a time.
- `proxy_in_memory`: a whole proxy without sockets.
- `sessions`: its sessions, with the user at a TCP viewer.
- `channel`: HTTP connections to a site of a few resources.
- `users`, `requests`, `links_table`: browsers and viewers, their requests, and the links they open.
- `websocket_users`: browsers that open consoles.
- `config`: backends and token sources of toys, and configurations that name them.
- `api`, `cli`: the HTTP API in memory, and the command in front of it.
- `openid`, `start_page`: an OpenID provider, and the start page in front of it.
- `external_tokens`: contexts and tables of token sources.
- `libvirt`: the libvirt backend over libvirt's test driver.
- `vsphere`: a vSphere in memory, behind pyvmomi's objects.
- `opennebula`, `hypervisors_here`: clouds and hypervisors in memory.
- `subscriber`: an owner of a subscription to Redis.
- `network`: what blocking code reaches when it dials.
- `cost`: how the cost of a call grows with its input.
"""
