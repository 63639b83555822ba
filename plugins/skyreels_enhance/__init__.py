"""Prompt enhancers: by rules, by a local language model, by any OpenAI-compatible endpoint."""
