"""What is known of samples: their rank, what they are like, what models believe of their labels."""
