"""Tests of `vncproxy.zones`."""
