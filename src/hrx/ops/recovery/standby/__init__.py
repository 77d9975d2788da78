"""The standby: a second server that follows the first and takes over when it is proven to have stopped."""
