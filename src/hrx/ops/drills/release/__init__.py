"""Drills of releases, on a whole stack of their own beside the living one."""
