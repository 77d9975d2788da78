"""Passages for a question: permission and day inside the query, the text after it."""
