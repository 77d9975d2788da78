"""How the first model is made: generated texts, a linear model per skill, a graph of three operators."""
