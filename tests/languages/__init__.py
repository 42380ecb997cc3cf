"""Tests of `vncproxy.languages`."""
