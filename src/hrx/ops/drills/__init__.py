"""Drills: faults put in on purpose, and what the plane then did, measured against what it promises."""
