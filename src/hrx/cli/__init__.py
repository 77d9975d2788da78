"""Commands operators type; each file is one noun."""
