"""OpenAI's dialects, spoken by many: chat, responses, realtime and what stands beside them."""
