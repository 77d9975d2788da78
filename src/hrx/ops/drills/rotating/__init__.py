"""Rehearsals of rotations on a scratch ground: secrets are replaced while somebody uses them all the time."""
