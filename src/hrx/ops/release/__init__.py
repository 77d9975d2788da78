"""Releases: what is shipped, how it reaches people without a dropped request, and the way back."""
