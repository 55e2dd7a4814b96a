"""The minimal reference proxy: a Responses API server in front of a chat-completions, Messages or vLLM upstream."""
