"""Tests of `vncproxy.backends.zone`."""
