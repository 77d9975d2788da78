"""Vectors of passages by encoders that take their time or cost something: made after the words are there."""
