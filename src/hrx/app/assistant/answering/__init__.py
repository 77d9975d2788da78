"""From found passages to an answer: quoted, or written by a model and checked against what it cites."""
