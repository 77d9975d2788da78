"""Cloudflare Pages as a release target."""
