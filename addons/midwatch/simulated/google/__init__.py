"""Gemini, Vertex AI and Code Assist, simulated."""
