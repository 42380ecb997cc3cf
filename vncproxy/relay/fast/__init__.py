"""relay/fast."""
