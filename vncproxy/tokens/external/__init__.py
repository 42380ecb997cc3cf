"""tokens/external."""
