"""Encoders: texts as vectors by meaning. Absent encoders are no fault: words still find."""
