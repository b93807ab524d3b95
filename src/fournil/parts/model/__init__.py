"""The transformer in plain PyTorch, in and out of Hugging Face folders and GGUF files."""
