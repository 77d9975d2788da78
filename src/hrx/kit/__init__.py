"""The small kit both planes stand on; it knows neither the product nor its operation."""
