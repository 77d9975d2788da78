"""Skills of a résumé: what a model is shown, what it says and why, the rows of it, what people decide."""
