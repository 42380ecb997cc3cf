"""Tests of `vncproxy.screenshots`."""
