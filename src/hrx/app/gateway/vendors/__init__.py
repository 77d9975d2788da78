"""How each vendor writes: pure encoding and decoding, no socket, no clock."""
