"""The outsider: a small process that looks at the product as the world sees it, and at the operations plane.

It imports little on purpose (no web framework, no database library): it must run when the rest cannot."""
