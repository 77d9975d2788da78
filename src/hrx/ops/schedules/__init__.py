"""Schedules: who is on call when, by rule and interval arithmetic; pure, so that a year can be proven."""
