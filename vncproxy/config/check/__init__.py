"""What `vncproxy check-config` looks at, one concern in each module."""
