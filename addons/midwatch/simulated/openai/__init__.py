"""OpenAI and those who speak its language, simulated."""
