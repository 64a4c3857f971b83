"""What Vertex AI has beside Gemini's dialects."""
