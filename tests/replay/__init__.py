"""Tests of playable copies."""
