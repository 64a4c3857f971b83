"""AWS Bedrock's dialects: Converse, and each model's own format."""
