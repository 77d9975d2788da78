"""The part that scores, in a process of its own: requests in batches, versions switched under them."""
