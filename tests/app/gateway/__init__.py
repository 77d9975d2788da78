"""The way out to language models, against stand-ins of the vendors."""
