"""Vercel as a release target."""
