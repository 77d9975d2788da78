"""Fly.io as a release target."""
