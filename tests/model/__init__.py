"""Tests of `vncproxy.model`."""
