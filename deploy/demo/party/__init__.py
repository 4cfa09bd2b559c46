"""What a stranger's software looks like: an ordinary Kafka client that knows nothing of the router but its topics."""
