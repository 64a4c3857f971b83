"""Google's dialects: Gemini's own, and Code Assist around it."""
