"""Settings and secrets of each environment: what is there, what differs, what is old, what has leaked.

Values are read where they are and go no further: what is shown is masked, what is compared or sent elsewhere
is a keyed fingerprint."""
