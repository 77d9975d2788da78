"""Watching all the time: every part every few seconds, and the alerts, with every change on record."""
