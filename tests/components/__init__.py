"""Other programs that the tests talk to, real where that is possible.

- `ports`, `certificates`: what servers of tests listen with.
- `gateway`: ``twistd vncproxy`` as a process.
- `redis_server`: redis-server.
- `vnc_servers`: QEMU and Xtigervnc, without a hypervisor's API.
- `libvirt_host`, `two_hosts`: libvirtd with guests, on one host, or on two that move them.
- `vsphere`, `webmks`: govmomi's simulator (extended in ``vcsim/``), and a console on ESXi.
- `xapi_simulator`: the XAPI of a pool of XenServer hosts.
- `fake_oned`: OpenNebula's daemon.
- `nova_stub`: Keystone and Nova.
- `viewer`: a TCP viewer.
- `chromium`, `firefox`: headless browsers.
- `page_stand_in`: the console page with a scripted console behind it.
- `portal`: another site that embeds the page.
- `echo_endpoint`: WebSocket endpoints that echo.
"""
