"""What is changed: question sets, questions that were shared, runs."""
