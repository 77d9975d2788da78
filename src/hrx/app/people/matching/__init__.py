"""Roles described in words, and the résumés that match them: proposals with reasons, decided on by people."""
