"""The operations plane: it deploys, watches, repairs and records, and works while the product is down."""
