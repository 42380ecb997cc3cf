"""Tests with real sockets, processes and browsers."""
