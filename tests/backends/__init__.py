"""Tests of the backends that need no hypervisor."""
