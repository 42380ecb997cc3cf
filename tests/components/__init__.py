"""Other programs that the tests talk to, real where that is possible.

- `ports`, `certificates`: what servers of tests listen with.
- `gateway`: ``twistd vncproxy`` as a process.
- `faketime`: the wall clock of such a process.
- `redis_server`, `redis_case`: redis-server, and token stores that use one.
- `vnc_servers`: QEMU and Xtigervnc, without a hypervisor's API.
- `libvirt_host`, `two_hosts`: libvirtd with guests, on one host, or on two that move them.
- `zones`: zones whose proxies reach each other, and not each other's hypervisors.
- `vsphere`, `webmks`: govmomi's simulator (extended in ``vcsim/``), and a console on ESXi.
- `vsphere_case`: the VMware backend with that simulator.
- `xapi_simulator`, `xen_gateway`: the XAPI of a pool of XenServer hosts, and a gateway to it.
- `fake_oned`: OpenNebula's daemon.
- `nova_stub`: Keystone and Nova.
- `npm_packages`: packages of npm that tests use.
- `openid_provider`: npm's oidc-provider, in ``openid/``.
- `accessibility`: npm's axe-core, in ``axe/``, which looks what people cannot read or use.
- `viewer`: a TCP viewer.
- `chromium`, `firefox`: headless browsers.
- `page_stand_in`, `page_case`: the console page with a scripted console, and opened in a browser.
- `portal`: another site that embeds the page.
- `echo_endpoint`: WebSocket endpoints that echo.
"""
