"""Channels: the ways to reach people, behind one protocol and one conformance suite."""
