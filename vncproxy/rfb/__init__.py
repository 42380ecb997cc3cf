"""The RFB protocol (RFC 6143 and what servers do beside it), without I/O."""
