"""The minimal reference proxy: the Responses API on chat completions, Anthropic Messages or vLLM."""
