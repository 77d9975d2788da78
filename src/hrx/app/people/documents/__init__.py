"""Documents: rules, handbooks, forms and résumés, their versions by day, and the passages that are found."""
