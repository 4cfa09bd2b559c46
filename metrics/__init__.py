"""Every metric of the router, in one table."""
