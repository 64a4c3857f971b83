"""AWS Bedrock, simulated."""
